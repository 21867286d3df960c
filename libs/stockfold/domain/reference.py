"""Reference data: what the catalogue, the locations, the authorities and the aliases say.

Versioned: every record carries a revision that rises when its content changes. Values, never
changed in place.
"""

from __future__ import annotations

import msgspec

BASE_UNIT = "each"
ALIAS_KINDS = ("sku", "location", "unit")
ROLES = ("primary", "secondary")


class UnitOfMeasure(msgspec.Struct, frozen=True, gc=False):
    """``denominator`` of this unit are exactly ``numerator`` base units."""

    unit: str
    numerator: int
    denominator: int = 1


class Component(msgspec.Struct, frozen=True, gc=False):
    """Base units of a component in one base unit of its kit."""

    sku: str
    quantity: int


class BillOfMaterials(msgspec.Struct, frozen=True):
    """What a kit is made of."""

    version: str
    components: tuple[Component, ...]


class CatalogItem(msgspec.Struct, frozen=True):
    """A SKU as the catalogue knows it."""

    sku: str
    revision: int = 0
    name: str = ""
    category: str = ""
    base_unit: str = BASE_UNIT
    units: tuple[UnitOfMeasure, ...] = ()
    active: bool = True
    bill_of_materials: BillOfMaterials | None = None


class Location(msgspec.Struct, frozen=True):
    """A place that holds stock.

    ``snapshot_driven``: a reported snapshot acts like a count at its as-of time (ruling 33), as far
    as it corrects at most ``snapshot_limit`` base units.
    """

    location: str
    revision: int = 0
    zone: str = "UTC"
    tags: tuple[str, ...] = ()
    snapshot_driven: bool = False
    snapshot_limit: int | None = None
    active: bool = True


class Authority(msgspec.Struct, frozen=True):
    """A source may speak for these locations and event types; None means all.

    ``rhythm_s``: it is heard from within so many seconds as long as it is well; None: whenever.
    """

    authority: str
    source: str
    revision: int = 0
    locations: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    role: str = "primary"
    active: bool = True
    rhythm_s: int | None = None


class Alias(msgspec.Struct, frozen=True):
    """What a source or channel (``scope``) calls one of our SKUs, locations or units."""

    scope: str
    kind: str
    code: str
    target: str
    revision: int = 0
    active: bool = True


Reference = Location | Authority | Alias
Record = CatalogItem | Location | Authority | Alias


def key_of(record: Record) -> str:
    """The Kafka key of a record: the SKU, or kind|id."""
    match record:
        case CatalogItem():
            return record.sku
        case Location():
            return f"location|{record.location}"
        case Authority():
            return f"authority|{record.authority}"
        case Alias():
            return f"alias|{record.kind}|{record.scope}|{record.code}"
