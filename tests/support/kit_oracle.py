"""What kits come to, found by building them one at a time. Slow, and too simple to be wrong."""

from __future__ import annotations

from collections.abc import Mapping

Bills = Mapping[str, Mapping[str, int]]
"""Components and quantities by kit."""


def kits_built(kit: str, bills: Bills, units: Mapping[str, int]) -> int:
    """How many kits can be built of the parts' units; those of the kit itself do not count."""
    stock = {sku: max(number, 0) for sku, number in units.items() if sku != kit}
    count = 0
    while True:
        trial = dict(stock)
        if not _build(kit, bills, trial):
            return count
        stock = trial
        count += 1


def _build(kit: str, bills: Bills, stock: dict[str, int]) -> bool:
    return all(_take(part, bills, stock) for part, q in bills[kit].items() for _ in range(q))


def _take(sku: str, bills: Bills, stock: dict[str, int]) -> bool:
    if stock.get(sku, 0) > 0:
        stock[sku] -= 1
        return True
    return sku in bills and _build(sku, bills, stock)


def reached(kit: str, bills: Bills) -> set[str]:
    """Every SKU that a kit is made of, level by level."""
    found: set[str] = set()
    waiting = [kit]
    while waiting:
        for part in bills.get(waiting.pop(), ()):
            if part not in found:
                found.add(part)
                waiting.append(part)
    return found


def is_circular(kit: str, bills: Bills) -> bool:
    """Whether a kit, or one inside it, would be made of itself."""
    return any(sku in reached(sku, bills) for sku in {kit, *reached(kit, bills)})
