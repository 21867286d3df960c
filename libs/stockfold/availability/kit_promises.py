"""What order promising and dated ATP answer about kits."""

from __future__ import annotations

import msgspec

from stockfold.availability.promises import Promised
from stockfold.ledger.dated import Series


class PartPromised(msgspec.Struct, frozen=True):
    """By when the units of a component are there that a promise of a kit rests on."""

    sku: str
    units: int
    promised: Promised


class KitPromised(msgspec.Struct, frozen=True):
    """A promise of a kit: as a whole, and by component.

    ``pre_assembled`` of the kits stand by then, ``assembled`` are made of the components. Parts and
    supplies of ``whole`` are those of the kit's own stock, those of each component its own.
    """

    whole: Promised
    pre_assembled: int
    assembled: int
    components: tuple[PartPromised, ...]


class PartSeries(msgspec.Struct, frozen=True):
    """The dated ATP of a component; ``needed`` units of it make one kit, 0 of a nested kit."""

    sku: str
    needed: int
    series: Series


class KitSeries(msgspec.Struct, frozen=True):
    """The dated ATP of a kit: what stands and what can be assembled, day by day.

    ``limited_by`` is the component that allows the fewest kits of each day. Overdue and undated
    supply of ``whole`` are those of the kit's own stock.
    """

    whole: Series
    limited_by: tuple[str, ...]
    components: tuple[PartSeries, ...]
