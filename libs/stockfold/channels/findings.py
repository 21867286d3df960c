"""What a look at a channel finds: each finding names the product, and says what to do."""

from __future__ import annotations

import enum

import msgspec


class Level(enum.Enum):
    """How much a finding matters.

    ERROR: what it names cannot be published. WARNING: it can, but not as one would think. NOTE:
    good to know.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was found. ``subject`` is a SKU or what of the shop it is about.

    ``products`` name the shop's products that it is about, for people: ``4711 A shirt``.
    """

    level: Level
    code: str
    subject: str
    detail: str
    to_do: str = ""
    products: tuple[str, ...] = ()
