"""The services that follow topics: a section of the settings for each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from stockfold.runtime.secret import SecretRef, is_loopback_url
from stockfold.runtime.settings_fields import DAY_S, HttpUrl, Name, Section, absolute


class LedgerSettings(Section):
    """The ledger's loop and how long it remembers."""

    instance: Name = Field(
        default="ledger-1",
        description="Name of this ledger: group instance id and transactional id.",
    )
    batch_events_max: PositiveInt = Field(default=2_000, description="Events in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=100, description="Time that one batch may gather, in ms."
    )
    merge_wait_ms: int = Field(
        default=100, ge=0, description="How long inputs wait for other topics' older ones, in ms."
    )
    dedupe_events_max: PositiveInt = Field(
        default=500_000, description="Event ids remembered per partition."
    )
    dedupe_horizon_s: PositiveInt = Field(
        default=7 * DAY_S,
        description="How long event ids are remembered, in seconds of journal time.",
    )
    movement_horizon_s: PositiveInt = Field(
        default=7 * DAY_S, description="How far back a count may lie, in seconds."
    )
    parking_limit_s: PositiveInt = Field(
        default=3_600,
        description="How long a command may wait for its reservation or allocation before the "
        "exception desk is told, in seconds.",
    )
    expiry_tick_ms: PositiveInt = Field(
        default=250, description="How often due reservations are looked for, in ms."
    )
    enforce_catalogue: bool = Field(
        default=False,
        description="Whether an event of a SKU that the catalogue does not know is an exception.",
    )


class SnapshotSettings(Section):
    """Snapshots of the ledger's memory, from which it recovers."""

    url: str | None = Field(
        default=None,
        min_length=1,
        description="Folder or fsspec URL (such as s3://bucket/folder) that holds them; the ledger "
        "and the snapshotter must both reach it. Unset: snapshots in environment.data_dir.",
    )
    every_s: PositiveInt = Field(
        default=120, description="How old a partition's snapshot may be when it has new facts."
    )
    records_max: PositiveInt = Field(
        default=50_000,
        description="Journal records behind a partition's snapshot after which the next is made "
        "before its time.",
    )
    keep: PositiveInt = Field(default=3, description="Snapshots kept of each partition.")
    instance: Name = Field(
        default="snapshotter-1", description="Name of this snapshotter: group instance id."
    )


class AvailabilitySettings(Section):
    """The availability service's loop."""

    instance: Name = Field(
        default="availability-1", description="Name of this instance: group and transactional id."
    )
    batch_events_max: PositiveInt = Field(default=2_000, description="Records in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=100, description="Time that one batch may gather, in ms."
    )


class OrdersSettings(Section):
    """The orders service: how an order is reserved, and how often it is tried."""

    instance: Name = Field(
        default="orders-1", description="Name of this instance: group and transactional id."
    )
    batch_events_max: PositiveInt = Field(default=1_000, description="Records in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=50, description="Time that one batch may gather, in ms."
    )
    answer_s: PositiveInt = Field(
        default=60,
        description="How long an order waits for the ledger's answers; as long its lines are held "
        "until all of them are, in seconds.",
    )
    attempts_max: PositiveInt = Field(
        default=4, description="How often an order that must be reserved whole is tried."
    )
    retry_s: PositiveFloat = Field(
        default=2.0, description="Pause before the second attempt, in seconds; then it doubles."
    )
    hold_s: PositiveInt = Field(
        default=3_600, description="How long an unpaid order is held when its channel says nothing."
    )
    finished_s: PositiveInt = Field(
        default=60 * 86_400,
        description="How long an order that is over is remembered whole, in seconds. Later its "
        "revision alone is, and what is told of it that is new goes to the exceptions.",
    )
    case_owner: Name = Field(
        default="stock-desk", description="Who looks after a new case until someone else does."
    )


class ErpSettings(Section):
    """The ERP that sold orders are handed on to."""

    kind: Literal["none", "file", "http"] = Field(
        default="none", description="How: not at all, as files in a folder, or over HTTP."
    )
    instance: Name = Field(default="erp-1", description="Name of this instance: group instance id.")
    folder: Annotated[Path, AfterValidator(absolute)] | None = Field(
        default=None, description="Folder of the files, one an order."
    )
    url: HttpUrl | None = Field(default=None, description="Address of its interface for orders.")
    token: SecretRef | None = Field(default=None, description="Bearer token, by reference.")
    request_timeout_s: PositiveFloat = Field(
        default=15.0, description="Time of one request, in seconds."
    )
    parallel: int = Field(default=4, ge=1, le=64, description="Orders handed on at once.")
    verify_tls: bool = Field(default=True, description="Check its certificate.")

    @model_validator(mode="after")
    def _secret_by_reference(self) -> Self:
        here = self.url is None or is_loopback_url(self.url)
        if self.token is not None and self.token.is_plain and not here:
            raise ValueError("token is plain text; an ERP elsewhere needs a reference")
        return self


class ProjectorSettings(Section):
    """The projector's loop."""

    instance: Name = Field(
        default="projector-1",
        description="Name of this projector: group instance id. Another one needs another name.",
    )
    batch_events_max: PositiveInt = Field(default=10_000, description="Records in one transaction.")
    batch_ms_max: PositiveInt = Field(
        default=200, description="Time that one batch may gather, in ms."
    )
