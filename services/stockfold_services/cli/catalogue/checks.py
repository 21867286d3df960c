"""What must hold between records, before anything is published. A sentence for each that does not.

Only what the file would change is held against anybody: what was published before and is wrong
already does not stand in the way of an import that has nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from stockfold.domain.bills import Bill, bills_within, find_cycle, grow
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias, Authority, CatalogItem, Location
from stockfold_services.cli.catalogue.records import title
from stockfold_services.cli.catalogue.store import Change, Store

_OURS = {"sku": "item", "location": "location"}
"""Kinds of aliases whose targets are records themselves."""


def problems(store: Store) -> Iterator[str]:
    """Everything that is wrong with what would be afterwards."""
    for change in store.planned():
        for sentence in _of_one(change):
            yield _at(change.line, f"{title(change.new)}: {sentence}")
    yield from _bills(store)
    yield from _aliases(store)
    yield from _authorities(store)


def _at(line: int | None, sentence: str) -> str:
    return sentence if line is None else f"line {line}: {sentence}"


def _of_one(change: Change) -> Iterator[str]:
    new, old = change.new, change.old
    if isinstance(new, CatalogItem):
        if any(known.unit == new.base_unit for known in new.units):
            yield f"{new.base_unit} is the base unit, and among the units as well"
        if isinstance(old, CatalogItem) and old.base_unit != new.base_unit:
            yield (
                f"the base unit {old.base_unit} cannot become {new.base_unit}: all stock is "
                "counted in it; make a new SKU and move the stock by adjustments"
            )
    elif isinstance(new, Location) and new.snapshot_driven and new.snapshot_limit is None:
        yield "snapshot_driven needs a snapshot_limit"
    elif isinstance(new, Authority) and isinstance(old, Authority) and old.source != new.source:
        yield f"it is about {old.source}; a rule about {new.source} needs a name of its own"


def _bills(store: Store) -> Iterator[str]:
    bills: dict[str, Bill] = {}
    components: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    for line, item in store.kits():
        assert item.bill_of_materials is not None
        skus = [component.sku for component in item.bill_of_materials.components]
        components[item.sku] = skus
        parts = tuple((c.sku, c.quantity) for c in item.bill_of_materials.components)
        bills[item.sku] = Bill(item.sku, item.revision, item.bill_of_materials.version, parts)
        if line is None:
            continue
        lines[item.sku] = line
        unknown = [sku for sku in skus if store.find(f"item|{sku}") is None]
        if unknown:
            yield _at(line, f"SKU {item.sku}: component {', '.join(unknown)} is no SKU")
    path = find_cycle(components)
    if path and not lines.keys().isdisjoint(path):
        line = next(lines[sku] for sku in path if sku in lines)
        yield _at(line, f"SKU {path[0]} would be made of itself: {' → '.join(path)}")
    yield from _too_large(bills, lines)


def _too_large(bills: dict[str, Bill], lines: dict[str, int]) -> Iterator[str]:
    """Kits that would be too deep or large, named at the line that makes them so."""
    for sku in bills:
        within = bills_within(sku, bills)
        changed = [lines[kit] for kit in within if kit in lines]
        if changed:
            try:
                grow(sku, within)
            except ContractError as error:
                if error.kind == "cyclic_bill":
                    continue  # Told already, or there before.
                yield _at(lines.get(sku, changed[0]), error.what)


def _aliases(store: Store) -> Iterator[str]:
    for line, record in store.afterwards("alias"):
        assert isinstance(record, Alias)
        kind = _OURS.get(record.kind)
        if kind is None or not record.active:
            continue
        target, shadowed = f"{kind}|{record.target}", f"{kind}|{record.code}"
        if line is not None and store.find(target) is None:
            yield _at(line, f"{title(record)}: {record.target} is no {record.kind}")
        if (
            record.code != record.target
            and (line is not None or store.is_planned(shadowed))
            and store.find(shadowed) is not None
        ):
            yield _at(
                line,
                f"{title(record)} is ambiguous: {record.code} is a {record.kind} itself, the alias "
                f"says {record.target}",
            )


def _authorities(store: Store) -> Iterator[str]:
    known = [r.location for _, r in store.afterwards("location") if isinstance(r, Location)]
    if not known:
        return
    for change in store.planned("authority"):
        assert isinstance(change.new, Authority)
        for location in change.new.locations or ():
            if location not in known:
                near = get_close_matches(location, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                yield _at(
                    change.line, f"{title(change.new)}: location {location} is not known{hint}"
                )
