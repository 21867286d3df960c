"""The work of kits inside a transaction: asking for parts, putting bills in force, answering."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from stockfold.availability.answer import Visible
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import (
    CATALOG,
    COMPONENT_AVAILABILITY,
    EXCEPTIONS,
    KIT_COMPONENTS,
)
from stockfold.domain.bills import PARTS_MAX, Bill, grow
from stockfold.domain.errors import ContractError
from stockfold.runtime.processor import Outputs
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import headers_of
from stockfold_services.availability.kits.memory import Kit, KitMemory
from stockfold_services.availability.kits.records import (
    Told,
    encode_request,
    encode_told,
    pair_key,
)
from stockfold_services.availability.records import Cause

_NOBODY = Told(0, False, (), False, "", (), {})


class Seen(Protocol):
    """What the kits' work needs to know of SKUs and policies."""

    def is_held(self, sku: str) -> bool:
        """Whether any location ever held the SKU."""
        ...

    def of_part(self, sku: str) -> dict[str, Visible]:
        """What each channel may promise of it, were it a component."""
        ...


class KitWork:
    """What one transaction does for the kits and components of a partition."""

    def __init__(
        self,
        memory: KitMemory,
        partitions: int,
        out: Outputs,
        now_us: int,
        traced: Mapping[str, str],
    ) -> None:
        self._traced = traced
        self._memory = memory
        self._partitions = partitions
        self._out = out
        self._now_us = now_us

    # --- kits ---------------------------------------------------------------------------------

    def look_through(self, kits_max: int) -> list[Kit]:
        """Look through the parts of kits that are due; those whose numbers may be others now."""
        changed = []
        due = self._memory.due
        while due and kits_max > 0:
            kits_max -= 1
            sku = next(iter(due))
            del due[sku]
            kit = self._memory.kits[sku]
            if self._look_through(kit):
                changed.append(kit)
        return changed

    def _look_through(self, kit: Kit) -> bool:
        bills, missing = _reached(kit)
        tree, refused = kit.tree, ""
        try:
            grown = grow(kit.sku, bills) if bills else None
        except ContractError as error:
            refused = f"{error.kind}: {error.what}"
            if refused != kit.refused:
                self._raise(kit, error)
        else:
            if not missing:
                tree = grown
        wanted = {part for bill in bills.values() for part, _ in bill.components}
        if refused:
            wanted &= kit.asked  # Enough to notice when it is mended.
        if tree is not None:
            wanted.update(tree.parts)
        self._ask(kit, wanted)
        self._ask_no_more(kit, wanted)
        changed = tree != kit.tree
        kit.tree, kit.refused = tree, refused
        self._memory.dirty[kit.sku] = kit.cause
        return changed

    def _ask(self, kit: Kit, wanted: Iterable[str]) -> None:
        revision = kit.bill.revision if kit.bill is not None else 0
        for sku in sorted(wanted):
            if sku not in kit.asked and sku != kit.sku:
                kit.asked.add(sku)
                self._request(kit.sku, sku, encode_request(kit.sku, sku, revision))

    def _ask_no_more(self, kit: Kit, wanted: set[str]) -> None:
        """An answer that was under way, and comes nevertheless, is given up when it comes."""
        for sku in sorted((kit.asked | kit.answers.keys()) - wanted):
            if sku in kit.asked:
                kit.asked.discard(sku)
                self._request(kit.sku, sku, None)
            if kit.answers.pop(sku, None) is not None:
                key = pair_key(sku, kit.sku)
                self._out.produce(COMPONENT_AVAILABILITY, self._memory.number, key, None)

    def _request(self, kit: str, component: str, value: bytes | None) -> None:
        partition = partition_of(component.encode(), self._partitions)
        self._out.produce(KIT_COMPONENTS, partition, pair_key(kit, component), value)

    def _raise(self, kit: Kit, error: ContractError) -> None:
        """Make an exception of the catalogue's record; the bill before stays in force."""
        partition, offset = kit.place
        measures.EXCEPTIONS.labels("availability", error.kind, "false").inc()
        key = kit.sku.encode()
        exception = encode_exception(
            error.kind,
            folded=False,
            reason=error.what,
            remedy=error.remedy,
            sku=kit.sku,
            source="",
            event_id="",
            event_type="stockfold.CatalogItem",
            topic=CATALOG.name,
            partition=partition,
            offset=offset,
            recorded_us=self._now_us,
            correlation_id=kit.cause.correlation_id,
            caused_us=kit.cause.caused_us,
            key=key,
        )
        self._out.produce(EXCEPTIONS, self._memory.number, key, exception)

    # --- components ---------------------------------------------------------------------------

    def tell(self, seen: Seen) -> None:
        """Tell what is new of components to the kits that need them."""
        memory = self._memory
        for sku in [*memory.dirty, *(sku for sku in memory.owed if sku not in memory.dirty)]:
            cause = memory.dirty.get(sku, Cause())
            owed = memory.owed.get(sku, {})
            kits = memory.needed_by.get(sku, {})
            if not kits and sku not in memory.kits:
                continue
            before = memory.told.get(sku, _NOBODY)
            told = self._now(sku, before, seen, needed=bool(kits))
            if told is not before:
                memory.told[sku] = told
                self._tell_one(sku, "", told, cause)
                owed = kits
            for kit in owed:
                self._tell_one(sku, kit, told, cause)
        memory.dirty.clear()
        memory.owed.clear()

    def _now(self, sku: str, before: Told, seen: Seen, *, needed: bool) -> Told:
        """What there is to tell of a SKU now: ``before`` itself when that says it already."""
        kit = self._memory.kits.get(sku)
        held = seen.is_held(sku)
        visible = seen.of_part(sku) if needed and held else {}
        told = Told(
            before.version + 1,
            held,
            () if kit is None else kit.bills,
            kit is not None and kit.tree is not None,
            "" if kit is None else kit.refused,
            () if kit is None else tuple(sorted(kit.asked)),
            visible,
        )
        return before if before.version and before.says_as_much_as(told) else told

    def _tell_one(self, component: str, kit: str, told: Told, cause: Cause) -> None:
        if kit:
            told = msgspec.structs.replace(told, bills=told.bills[:1], refused="", asked=())
        partition = partition_of(kit.encode(), self._partitions) if kit else self._memory.number
        key = pair_key(component, kit) if kit else pair_key("", component)
        headers = headers_of(self._traced.get(component, ""))
        value = encode_told(component, kit, told, cause)
        self._out.produce(COMPONENT_AVAILABILITY, partition, key, value, headers)


def _reached(kit: Kit) -> tuple[dict[str, Bill], bool]:
    """The newest bills of a kit and of all kits inside, and whether a part has not answered yet.

    It ends where a circle closes, and where there are more parts than are counted.
    """
    bills: dict[str, Bill] = {}
    missing = False
    if kit.bill is None:
        return bills, missing
    seen, waiting = {kit.sku}, deque([kit.sku])
    while waiting and len(seen) <= PARTS_MAX + 1:
        sku = waiting.popleft()
        bill = kit.bill if sku == kit.sku else _bill_of(kit, sku)
        if bill is None:
            missing = missing or (sku != kit.sku and sku not in kit.answers)
            continue
        bills[sku] = bill
        for part, _ in bill.components:
            if part not in seen:
                seen.add(part)
                waiting.append(part)
    return bills, missing


def _bill_of(kit: Kit, sku: str) -> Bill | None:
    told = kit.answers.get(sku)
    return told.bills[0] if told is not None and told.bills else None
