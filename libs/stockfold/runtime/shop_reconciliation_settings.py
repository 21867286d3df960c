"""When a shop is read against what it shall show: ``[channels.reconciliation]``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt


class ShopReconciliationSettings(BaseModel):
    """Reading a shop's whole catalogue on a schedule, and what is repaired by itself.

    Only of connections in mode ``canary`` or ``live``; in ``shadow`` its report does so. Shopify:
    never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    every_s: NonNegativeInt = Field(
        default=86_400, description="Seconds from one reading to the next; 0: only when asked."
    )
    repair: tuple[Literal["drift", "manual_edit", "refused", "stuck"], ...] = Field(
        default=(),
        description="Differences that are repaired by themselves, by having the publisher send "
        "the listing once more: drift (it shows less than was written), manual_edit (more, or it "
        "sells otherwise), refused (the last write), stuck (not sent for an hour).",
    )
    repair_max: NonNegativeInt = Field(
        default=100,
        description="When more would be repaired by themselves, none is: somebody looks first.",
    )
