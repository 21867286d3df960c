"""What reference data does to an input before it is decided (semantics.md, "Authority").

Here, and only here, it is looked up: what comes out of it is put into the input, so that the fact
carries it resolved and no fold ever needs the reference data. The catalogue is an input of the
ledger, in order with the others; the reference topic is small and followed whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from stockfold.contracts.reference import decode_reference, reference_key
from stockfold.contracts.topics import REFERENCE
from stockfold.domain.aliases import AliasBook
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias, Authority, Location
from stockfold.domain.units import to_base
from stockfold.ledger.authority import Authorities, location_of
from stockfold.ledger.facts import Input, Refused
from stockfold.ledger.validation import QUANTITY_MAX
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.catalogue import Catalogue, Terms
from stockfold_services.ledger.hearing import Hearing

log = logging.getLogger(__name__)

POLL_US = 100_000

_QUANTITY_FIELD = {"StockAdjusted": "delta", "StockCounted": "counted"}
_LOCATION_FIELDS = {"TransferDispatched": ("from", "to"), "ReserveStock": ()}


class ReferenceFeed(Protocol):
    """Where reference records come from."""

    def read_whole(self, reader: PartitionReader) -> Iterable[Sequence[Record]]:
        """Everything there is."""
        ...

    def poll(self) -> Sequence[Record]:
        """What has come since, at once."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class ReferenceRules:
    """The catalogue and reference data in force, and what they do to inputs."""

    def __init__(self, settings: Settings, feed: ReferenceFeed) -> None:
        self._feed = feed
        self._enforce = settings.ledger.enforce_catalogue
        self._partition_count = settings.kafka.sku_partitions
        self._read = False
        self._polled_us = 0
        self._catalogues: dict[int, Catalogue] = {}
        self._authorities = Authorities()
        self._aliases = AliasBook()
        self._snapshot_limits: dict[str, int] = {}
        self._idle = not self._enforce
        self.hearing = Hearing()

    # --- taking reference data in -------------------------------------------------------------

    def recover(self, partition: int, reader: PartitionReader, mark: int) -> None:
        """Read the partition's catalogue up to the mark, and the reference data when it is new."""
        if not self._read:
            for batch in self._feed.read_whole(reader):
                for record in batch:
                    self._take(record)
            self._read = True
        catalogue = self._catalogues[partition] = Catalogue(partition, self._partition_count)
        catalogue.recover(reader, mark)

    def drop(self, partition: int) -> None:
        """Forget a partition's catalogue."""
        self._catalogues.pop(partition, None)
        self.hearing.forget_told()

    def take_item(self, partition: int, record: Record) -> None:
        """Take a record of the catalogue topic; ContractError when it cannot be one."""
        self._catalogues[partition].take(record)

    def poll(self, now_us: int) -> None:
        """Take in what the reference topic has to say since."""
        if not 0 <= now_us - self._polled_us < POLL_US:
            self._polled_us = now_us
            for record in self._feed.poll():
                self._take(record)

    def close(self) -> None:
        """Let go of the feed."""
        self._feed.close()

    def _take(self, record: Record) -> None:
        if record.value() is None:
            self._withdraw(*reference_key(record.key()))
        else:
            try:
                self._put(decode_reference(record.value(), record.key()))
            except ContractError as error:
                log.error(  # noqa: TRY400  (the sentence says it all; no defect to trace)
                    "%s, offset %d: %s The record before stays in force.",
                    REFERENCE.name,
                    record.offset(),
                    error,
                )
        self._idle = not (
            self._enforce or self._authorities or self._aliases or self._snapshot_limits
        )

    def _put(self, known: Location | Authority | Alias) -> None:
        match known:
            case Authority():
                self._authorities.put(known)
                self.hearing.put(known)
            case Alias():
                if known.kind != "sku":  # A SKU is its key: its aliases are resolved at the edge.
                    self._aliases.put(known)
            case Location():
                limit = known.snapshot_limit
                if known.snapshot_driven and known.active and limit is not None:
                    self._snapshot_limits[known.location] = limit
                else:
                    self._snapshot_limits.pop(known.location, None)

    def _withdraw(self, kind: str, *name: str) -> None:
        match kind, name:
            case "location", (location,):
                self._snapshot_limits.pop(location, None)
            case "authority", (authority,):
                self._authorities.withdraw(authority)
                self.hearing.withdraw(authority)
            case "alias", (alias_kind, scope, code):
                self._aliases.withdraw(alias_kind, scope, code)
            case _:
                log.warning("%s: the key of %s|%s is not known", REFERENCE.name, kind, name)

    # --- what it does to inputs ---------------------------------------------------------------

    def apply(self, given: Input, partition: int) -> None:
        """Resolve what reference data says about an input, into the input.

        Refused or ContractError: ``no_authority``, ``unknown_sku``, ``inactive_sku``,
        ``unknown_unit``, ``inexact_conversion``, ``quantity_out_of_range``.
        """
        unit = given.body.get("unit")
        if self._idle and unit is None:
            return
        if self._aliases:
            self._resolve_locations(given)
        if self._authorities:
            self._check_authority(given)
        if self._enforce or unit is not None:
            terms = self._catalogues[partition].skus.get(given.sku)
            if self._enforce:
                _check_known(given, terms)
            if unit is not None:
                self._convert(given, unit, terms)
        if given.type == "StockSnapshotReported":
            given.snapshot_limit = self._snapshot_limits.get(given.body["location"])

    def _resolve_locations(self, given: Input) -> None:
        body, source, resolve = given.body, given.source, self._aliases.resolve
        changed: dict[str, Any] = {}
        for field in _LOCATION_FIELDS.get(given.type, ("location",)):
            code = body.get(field)
            if code is not None:
                target = resolve("location", source, code)
                if target != code:
                    changed[field] = target
        if given.type == "ReserveStock":
            targets = [resolve("location", source, code) for code in body["locations"]]
            if targets != body["locations"]:
                changed["locations"] = list(dict.fromkeys(targets))
        if changed:
            given.body = {**body, **changed}

    def _check_authority(self, given: Input) -> None:
        place = location_of(given.type, given.body)
        role = self._authorities.role_of(given.source, given.type, place)
        if role is None:
            at = f" at {place}" if place is not None else ""
            others = ", ".join(self._authorities.who_may(given.type, place)) or "nobody"
            raise Refused(
                "no_authority",
                f"{given.source} may not say {given.type}{at}; {others} may",
                "If it should, import an authority for it and resubmit; else discard it, and stop "
                "the source from sending it.",
            )
        given.secondary = role == "secondary"

    def _convert(self, given: Input, unit: str, terms: Terms | None) -> None:
        field = _QUANTITY_FIELD.get(given.type, "quantity")
        body: Mapping[str, Any] = given.body
        quantity = body[field]
        if quantity is None:
            return
        if terms is None:
            raise Refused(
                "unknown_unit",
                f"the catalogue does not know SKU {given.sku}, so it cannot convert {unit}",
                "Import the SKU into the catalogue and resubmit, or send base units without unit.",
            )
        name = self._aliases.resolve("unit", given.source, unit)
        units = to_base(quantity, name, terms.base_unit, terms.units)
        if abs(units) > QUANTITY_MAX:
            raise Refused(
                "quantity_out_of_range",
                f"{quantity} {unit} are {units} {terms.base_unit}; it must be within 10^12",
                "Correct the event and resubmit it.",
            )
        given.body = {**body, field: units, "unit": None}
        given.told = (quantity, unit)


def _check_known(given: Input, terms: Terms | None) -> None:
    if terms is None:
        raise Refused(
            "unknown_sku",
            f"the catalogue does not know SKU {given.sku}",
            "Import it with `stockfold catalog import` and resubmit, or map the source's code to "
            "its SKU where the event is made.",
        )
    if not terms.active and given.type == "ReserveStock":
        raise Refused(
            "inactive_sku",
            f"SKU {given.sku} is no longer sold; what happens to its stock is still folded",
            "Make it active in the catalogue and resubmit, or tell the shop not to sell it.",
        )
