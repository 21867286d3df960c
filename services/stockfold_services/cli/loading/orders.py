"""Open orders of a channel at a cut-off: rows of lines as "order N is now like this".

The revision is that of the moment before the cut-off. So what the shop tells of the order later, by
a webhook or a sweep, is older and changes nothing, unless the shop has changed the order since.

Units of a line that had left by then are shipped at the cut-off, and added to the shelf at the same
time: the balances are without them, so the shelf stays as it is, and the line lacks only the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stockfold.contracts import envelope as envelopes
from stockfold.contracts.codec import encoder
from stockfold.contracts.envelope import Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import JsonObject
from stockfold.contracts.topics import ORDERS
from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US, format_us
from stockfold.orders.reading import Surroundings, read_order
from stockfold.orders.words import ledger_order
from stockfold_services.cli.loading.opening import BadRow, Item

ORDER_CHANGED = "stockfold.OrderChanged"
NEEDED = ("order", "line", "sku", "quantity")
OPEN = ("pending", "on_hold", "processing")
_FIELDS = (*NEEDED, "shipped", "status", "location")
_UNSAID: dict[str, Any] = {
    "terms": None,
    "hold_until": None,
    "fulfilments": [],
    "return_authorisations": [],
}
_WHOLE = re.compile(r"[0-9]{1,19}")


class OpenOrders:
    """Reads the rows of one file; the lines of an order follow one another."""

    def __init__(
        self,
        channel: str,
        header: Sequence[str],
        mapping: Mapping[str, str],
        *,
        source: str,
        as_of_us: int,
        surroundings: Surroundings,
    ) -> None:
        self._surroundings = surroundings
        self._channel = channel
        self._source = source
        self._as_of_us = as_of_us
        # The shop dates changes by the second: what is of the cut-off's own second is told again.
        self._revision = as_of_us // SECOND_US * SECOND_US - 1
        self._places = _places([name.strip() for name in header], mapping)
        self._width = len(header)
        used = set(self._places.values())
        self.ignored = [name for place, name in enumerate(header) if place not in used]
        self.intake = Intake()
        self._encode = encoder(ORDER_CHANGED)
        self._seen: set[str] = set()

    def read(self, rows: Iterable[Sequence[str]]) -> Iterator[Item]:
        """Each order, or what is wrong with its rows: then nothing of it is taken."""
        lines: list[dict[str, Any]] = []
        bad: list[BadRow] = []
        current, first, status = "", 1, ""
        for number, row in enumerate(rows, 1):
            order = self._cell(row, "order")
            if number > 1 and (order != current or not order):
                yield self._order(first, current, status, lines, bad)
                lines, bad = [], []
            if not lines and not bad:
                current, first = order, number
                status = self._cell(row, "status") or "processing"
            problem = self._wrong(number, row, status)
            if problem is not None:
                bad.append(problem)
            else:
                lines.append(self._line(row))
        if lines or bad:
            yield self._order(first, current, status, lines, bad)

    def _cell(self, row: Sequence[str], field: str) -> str:
        place = self._places.get(field)
        return row[place].strip() if place is not None and place < len(row) else ""

    def _line(self, row: Sequence[str]) -> dict[str, Any]:
        return {
            "line": self._cell(row, "line"),
            "code": self._cell(row, "sku"),
            "quantity": int(self._cell(row, "quantity")),
            "shipped": int(self._cell(row, "shipped") or 0),
            "taxes": [],
            "refunded": 0,
            "restocked": 0,
            "location": self._cell(row, "location"),
        }

    def _wrong(self, number: int, row: Sequence[str], status: str) -> BadRow | None:
        if len(row) != self._width:
            what = f"it has {len(row)} cells, the header {self._width}"
            return BadRow(number, "", what, "Write a cell for every column.")
        for field in NEEDED:
            if not self._cell(row, field):
                return BadRow(number, field, "is missing", "Write it in every row.")
        for field in ("quantity", "shipped"):
            told = self._cell(row, field)
            if told and not _WHOLE.fullmatch(told):
                return BadRow(number, field, f"{told[:40]!r} is no whole number", "Correct it.")
        told = self._cell(row, "status") or status
        if told != status or status not in OPEN:
            what = f"{told[:40]!r} is not one status of the whole order: {', '.join(OPEN)}"
            return BadRow(number, "status", what, "List open orders only, each with one status.")
        return None

    def _order(
        self,
        first: int,
        order: str,
        status: str,
        lines: list[dict[str, Any]],
        bad: list[BadRow],
    ) -> Item:
        if bad:
            return bad
        if order in self._seen:
            what = "rows of other orders lie between the rows of this one"
            return [BadRow(first, "order", what, "Sort the file by order.")]
        self._seen.add(order)
        body: dict[str, Any] = {
            "channel": self._channel,
            "order": order,
            "revision": self._revision,
            "occurred_at": self._as_of_us,
            "status": status,
            "accepted": True,
            "lines": lines,
        }
        try:
            read = read_order({**_UNSAID, **body}, self._surroundings).order
        except ContractError as error:
            return [BadRow(first, "order", error.what, error.remedy)]
        left: list[Taken] = []
        for line, told in zip(read.lines, lines, strict=True):
            place = told.pop("location") or read.locations[0]
            for sku, each in line.parts if line.shipped else ():
                left += self._left(order, line.line, sku, place, line.shipped * each)
        key = f"{self._channel}|{order}"
        name = f"orders/{format_us(self._as_of_us)}/{key}"
        envelope = Envelope(name, self._source, ORDER_CHANGED, self._as_of_us)
        headers = envelopes.build(envelope, subject=key)
        order_record = Taken(ORDERS.name, key.encode(), self._encode(body), headers, envelope, body)
        return (*left, order_record)

    def _left(self, order: str, line: str, sku: str, place: str, units: int) -> Iterator[Taken]:
        """Units that had left a shelf, and the same units on it: the balance is without them."""
        name = f"orders/{format_us(self._as_of_us)}/{self._channel}|{order}/{line}/{sku}"
        about: list[tuple[str, object]] = [("sku", sku), ("location", place)]
        shelf = [*about, ("delta", units), ("reason", f"left before the cut-off: {order}")]
        gone = [
            *about,
            ("quantity", units),
            ("shipment", name),
            ("order", ledger_order(self._channel, order)),
            ("line", line),
        ]
        for kind, fields in (("StockAdjusted", shelf), ("StockShipped", gone)):
            envelope = Envelope(f"{name}/{kind}", self._source, f"stockfold.{kind}", self._as_of_us)
            taken = self.intake.body(envelope, JsonObject(fields))
            if not isinstance(taken, Taken):
                raise ContractError(taken[0].kind, taken[0].what, remedy=taken[0].remedy)
            yield taken


def _places(columns: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Which column each field is; ContractError ``bad_mapping``."""
    known = {name.lower(): place for place, name in enumerate(columns)}
    places = {field: known[field] for field in _FIELDS if field in known}
    for column, field in mapping.items():
        if column not in columns or field not in _FIELDS:
            raise ContractError(
                "bad_mapping",
                f"{column}={field} is of no column or no field",
                remedy=f"There are {', '.join(columns)[:300]}, and {', '.join(_FIELDS)}.",
            )
        places[field] = columns.index(column)
    missing = [field for field in NEEDED if field not in places]
    if missing:
        raise ContractError(
            "bad_mapping",
            f"no column is {', '.join(missing)}; there are {', '.join(columns)[:300]}",
            remedy="Say which column it is: column=field.",
        )
    return places
