"""What topics know besides movements: names, units, who may count, and what has not come yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.reference import decode_item, decode_reference, reference_key
from stockfold.contracts.topics import CATALOG, POSITIONS, REFERENCE
from stockfold.domain.aliases import AliasBook
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias, Authority, CatalogItem, Location
from stockfold.domain.units import to_base
from stockfold.ledger.authority import Authorities
from stockfold.reconcile.book import Place
from stockfold.reconcile.compare import UnitRatio, Waiting
from stockfold.reconcile.refused import movements_of
from stockfold.runtime.desk.book import CASES_MAX, Desk, Filter
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings


class Reference:
    """Names, places and authorities in force, read whole."""

    def __init__(self, reader: PartitionReader, source: str) -> None:
        self._source = source
        self._aliases = AliasBook()
        self.locations: set[str] = set()
        self.authorities = Authorities()
        for batch in reader.read(REFERENCE, 0):
            for record in batch:
                self._take(record.key(), record.value())

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        if value is None:
            self._withdraw(*reference_key(key))
            return
        try:
            known = decode_reference(value, key)
        except ContractError:  # The ledger's log tells it; the record before stays in force.
            return
        match known:
            case Alias():
                self._aliases.put(known)
            case Authority():
                self.authorities.put(known)
            case Location():
                self.locations.add(known.location)

    def _withdraw(self, kind: str, *name: str) -> None:
        if kind == "alias" and len(name) == 3:
            self._aliases.withdraw(*name)
        elif kind == "authority" and name:
            self.authorities.withdraw(name[0])

    def sku(self, code: str) -> str:
        """Our SKU for what the source calls it."""
        return self._aliases.resolve("sku", self._source, code)

    def location(self, code: str, source: str | None = None) -> str:
        """Our location for what the source, or another one, calls it."""
        return self._aliases.resolve("location", source or self._source, code)

    def unit(self, code: str) -> str:
        """The catalogue's unit for what the source calls it."""
        return self._aliases.resolve("unit", self._source, code)

    def may_count(self, location: str) -> bool:
        """Whether the source's counts at a location are folded."""
        return self.authorities.role_of(self._source, "StockCounted", location) is not None


class Units:
    """The catalogue's units of every SKU."""

    def __init__(
        self, reader: PartitionReader, partitions: Iterable[int], names: Reference
    ) -> None:
        self._names = names
        self._items: dict[str, CatalogItem] = {}
        for partition in partitions:
            for batch in reader.read(CATALOG, partition):
                for record in batch:
                    self._take(record.key(), record.value())

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        if value is None:
            self._items.pop((key or b"").decode("utf-8", "replace"), None)
            return
        try:
            item = decode_item(value, key)
        except ContractError:  # As for the ledger: the record before stays in force.
            return
        # Names and bills of a large catalogue are not needed, and would be most of its memory.
        self._items[item.sku] = msgspec.structs.replace(
            item, name="", category="", bill_of_materials=None
        )

    def convert(self, sku: str, unit: str, quantity: int) -> int:
        """A quantity in base units. ContractError ``unknown_unit``, ``inexact_conversion``."""
        name = self._names.unit(unit)
        item = self._items.get(sku)
        if item is None:
            raise ContractError(
                "unknown_unit",
                f"the catalogue does not know SKU {sku}, so it cannot convert {unit}",
                remedy="Import the SKU into the catalogue, or have the file tell base units.",
            )
        return to_base(quantity, name, item.base_unit, item.units)

    def ratios(self) -> dict[str, list[UnitRatio]]:
        """The units of each SKU besides its base unit."""
        return {
            sku: [(unit.unit, unit.numerator, unit.denominator) for unit in item.units]
            for sku, item in self._items.items()
        }


WaitingFor = dict[tuple[str, Place], list[Waiting]]
"""By SKU and place what it would gain or lose."""


def refused_movements(settings: Settings, names: Reference) -> WaitingFor:
    """What the events that lie at the exception desk would have moved; the newest 10,000."""
    found: WaitingFor = {}
    for case in Desk(settings).cases(Filter(folded=False, state="open"), CASES_MAX):
        raised = case.raised
        try:
            schema, body = decode(raised["value"])
        except ContractError:
            continue  # That is what it lies there for.
        for (location, account), units in movements_of(schema.name, body).items():
            place = (names.location(location, raised["source"]), account)
            what = (
                f"{raised['event_type'].removeprefix('stockfold.')} {raised['event_id']} lies at "
                f"the exception desk: {raised['kind']}"
            )
            waiting = Waiting(units, what, f"stockfold exceptions show {case.place}")
            found.setdefault((names.sku(body["sku"]), place), []).append(waiting)
    return found


def expected_lines(reader: PartitionReader, partition: int) -> WaitingFor:
    """What is still expected at each shelf now, line by line, of one partition's SKUs."""
    latest: dict[bytes, list[dict[str, Any]]] = {}
    for batch in reader.read(POSITIONS, partition):
        for record in batch:
            key, value = record.key() or b"", record.value()
            if value is None or key.startswith(b"|"):
                continue
            body = decode(value, expected="stockfold.Position")[1]
            if body["expected"]:
                latest[key] = body["expected"]
            else:
                latest.pop(key, None)
    found: WaitingFor = {}
    for key, lines in latest.items():
        location, _, sku = key.decode().partition("|")
        found[sku, (location, "on_hand")] = [
            Waiting(
                line["quantity"],
                f"{line['quantity']} units of {line['inbound']}, line {line['line']} are expected",
                "The receipt has not come here yet: send it, or close the line.",
            )
            for line in lines
        ]
    return found
