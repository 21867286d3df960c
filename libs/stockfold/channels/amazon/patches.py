"""One listing's quantity, at once: patchListingsItem, and what a feed says for each listing alike.

``merge`` changes what it names; with ``replace`` the lead time and the restock date that the
merchant has given would be gone. ACCEPTED says that Amazon will look at it, not that it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stockfold.channels.amazon.lookups import Account
from stockfold.channels.amazon.operations import LISTINGS, segment
from stockfold.channels.port import Outcome, OutcomeKind, Purpose, Request, Shown, StockUpdate

PATH = "/attributes/fulfillment_availability"
ACCEPTED = "ACCEPTED"
INVALID = "INVALID"
_PLAIN = frozenset("-_.~ ")


class Patching(msgspec.Struct, frozen=True):
    """How a quantity is written."""

    account: Account
    product_type: str
    op: str

    def body(self, shown: Shown) -> dict[str, Any]:
        """What is to be changed of one listing."""
        value = {
            "fulfillment_channel_code": self.account.channel_code,
            "quantity": shown.quantity,
            **{name: int(days) for name, days in shown.extras},
        }
        patch = {"op": self.op, "path": PATH, "value": [value]}
        return {"productType": self.product_type, "patches": [patch]}

    def request(self, update: StockUpdate, shown: Shown) -> Request:
        """The write of one update."""
        path = f"{LISTINGS}/{segment(self.account.seller)}/{segment(update.sku)}"
        params = (self.account.marketplace_ids, ("includedData", "issues"))
        return Request(Purpose.WRITE, "PATCH", path, (update,), params, self.body(shown))


def is_plain(sku: str) -> bool:
    """Whether Amazon takes a SKU in a path: others were answered 403 (…-models#4429)."""
    return all(letter.isalnum() or letter in _PLAIN for letter in sku)


def refusal(update: StockUpdate, body: Mapping[str, Any]) -> Outcome | None:
    """The outcome of a patch that was not taken; None when it was."""
    if body.get("status") != INVALID:
        return None
    code, message = worst(body.get("issues"))
    return Outcome(update, OutcomeKind.REJECTED, code, message)


def worst(issues: Any) -> tuple[str, str]:
    """Code and message of the first issue that is an error."""
    rows = [one for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
    errors = [one for one in rows if one.get("severity") == "ERROR"] or rows
    if not errors:
        return "invalid", "Amazon calls the patch invalid and gives no reason"
    code = errors[0].get("code")
    return (code if isinstance(code, str) else "invalid"), str(errors[0].get("message", ""))
