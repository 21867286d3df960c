"""What may stand in each field of a record, from a CSV cell or from JSON and YAML values.

A parser gives the value as it is published, or raises UnfitError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from stockfold.contracts.topics import INPUT_OF
from stockfold.domain.reference import ALIAS_KINDS, ROLES

CHARACTERS_MAX = 256
NUMBER_MAX = 10**12
UNITS_MAX = 100
COMPONENTS_MAX = 1000
NAMES_MAX = 1000
EVENT_TYPES = frozenset(name.removeprefix("stockfold.") for name in INPUT_OF)


class UnfitError(ValueError):
    """A value that a field cannot take, in a sentence."""


Parser = Callable[[Any], object]
_TRUE = frozenset({"true", "yes", "y", "1"})
_FALSE = frozenset({"false", "no", "n", "0"})


def text(value: Any) -> str:
    """Up to 256 printable characters, or nothing."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnfitError(f"{value!r} is not text; write it in quotes")
    stripped = value.strip()
    if len(stripped) > CHARACTERS_MAX or not (stripped.isprintable() or not stripped):
        raise UnfitError(f"{stripped[:40]!r} is not {CHARACTERS_MAX} printable characters at most")
    return stripped


def name(value: Any) -> str:
    """A name: at least one character."""
    found = text(value)
    if not found:
        raise UnfitError("must not be empty")
    return found


def place(value: Any) -> str:
    """A name without the sign that separates names in keys."""
    found = name(value)
    if "|" in found:
        raise UnfitError(f"{found!r} holds |, which separates names in keys")
    return found


def whole(value: Any, low: int = 1) -> int:
    """A whole number from ``low`` to 10^12."""
    try:
        number = int(value.strip()) if isinstance(value, str) else value
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= NUMBER_MAX:
        raise UnfitError(f"{value!r} is not a whole number from {low} to 10^12")
    return number


def flag(value: Any) -> bool:
    """True or false, in the words of spreadsheets."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise UnfitError(f"{value!r} is neither true nor false")


def names(value: Any) -> list[str]:
    """Several names: a list, or a cell such as ``A; B``."""
    given = _split(value)
    if len(given) > NAMES_MAX:
        raise UnfitError(f"{len(given)} names are more than {NAMES_MAX}")
    found = [place(item) for item in given]
    twice = sorted({item for item in found if found.count(item) > 1})
    if twice:
        raise UnfitError(f"{', '.join(twice)} is named twice")
    return found


def _split(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str):
        return [part for part in value.split(";") if part.strip()]
    if isinstance(value, list):
        return value
    raise UnfitError(f"{value!r} is not a list")


def all_or_names(value: Any) -> list[str] | None:
    """Several names; nothing, or a star, means all."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "*")):
        return None
    found = names(value)
    if not found:
        raise UnfitError("an empty list lets nothing through; write null or * for all")
    return found


def event_types(value: Any) -> list[str] | None:
    """Event types without namespace."""
    found = all_or_names(value)
    unknown = [item for item in found or () if item not in EVENT_TYPES]
    if unknown:
        raise UnfitError(f"there is no event type {', '.join(unknown)}")
    return found


def zone(value: Any) -> str:
    """An IANA zone."""
    found = text(value) or "UTC"
    try:
        ZoneInfo(found)
    except (KeyError, ValueError, OSError):
        raise UnfitError(f"{found!r} is not an IANA time zone, such as Europe/Berlin") from None
    return found


def one_of(*words: str) -> Parser:
    """One of a few words."""

    def parse(value: Any) -> str:
        found = text(value)
        if found not in words:
            raise UnfitError(f"{found!r} is not one of {', '.join(words)}")
        return found

    return parse


def limit(value: Any) -> int | None:
    """A whole number from 0, or nothing."""
    return None if value is None or value == "" else whole(value, 0)


def units(value: Any) -> list[dict[str, object]]:
    """Units of measure: a list, a mapping, or a cell such as ``case=24; inch=127/50``."""
    if isinstance(value, Mapping):
        value = [f"{unit}={ratio}" for unit, ratio in value.items()]
    found = [_unit(item) for item in _split(value)]
    if len(found) > UNITS_MAX:
        raise UnfitError(f"{len(found)} units are more than {UNITS_MAX}")
    known = [item["unit"] for item in found]
    twice = sorted({str(unit) for unit in known if known.count(unit) > 1})
    if twice:
        raise UnfitError(f"unit {', '.join(twice)} is given twice")
    return sorted(found, key=lambda item: str(item["unit"]))


def _unit(item: Any) -> dict[str, object]:
    if isinstance(item, str):
        unit, sign, ratio = item.partition("=")
        if not sign:
            raise UnfitError(f"{item.strip()!r} is not a unit such as case=24")
        numerator, _, denominator = ratio.partition("/")
        item = {"unit": unit, "numerator": numerator, "denominator": denominator or "1"}
    _only(item, ("unit", "numerator", "denominator"), "a unit")
    return {
        "unit": name(item.get("unit")),
        "numerator": whole(item.get("numerator")),
        "denominator": whole(item.get("denominator", 1)),
    }


def bill(value: Any) -> dict[str, object] | None:
    """A bill of materials, or a cell such as ``SKU-1*2; SKU-2``; nothing for none."""
    if value is None or value == "":
        return None
    if isinstance(value, str | list):
        value = {"components": value}
    _only(value, ("version", "components"), "a bill of materials")
    found = [_component(item) for item in _split(value.get("components"))]
    if not 0 < len(found) <= COMPONENTS_MAX:
        raise UnfitError(f"a bill of materials has 1 to {COMPONENTS_MAX} components")
    known = [item["sku"] for item in found]
    twice = sorted({str(sku) for sku in known if known.count(sku) > 1})
    if twice:
        raise UnfitError(f"component {', '.join(twice)} is given twice; add the quantities up")
    version = value.get("version", "1")
    version = str(version) if isinstance(version, int) else version
    return {"version": name(version), "components": found}


def _component(item: Any) -> dict[str, object]:
    if isinstance(item, str):
        sku, star, quantity = item.rpartition("*")
        item = {"sku": sku, "quantity": quantity} if star else {"sku": item, "quantity": 1}
    _only(item, ("sku", "quantity"), "a component")
    return {"sku": name(item.get("sku")), "quantity": whole(item.get("quantity", 1))}


def _only(item: Any, known: tuple[str, ...], what: str) -> None:
    if not isinstance(item, Mapping):
        raise UnfitError(f"{item!r} is not {what}")
    unknown = [str(field) for field in item if field not in known]
    if unknown:
        raise UnfitError(f"{what} has no {', '.join(unknown)}; it has {', '.join(known)}")


FIELDS: dict[str, dict[str, Parser]] = {
    "item": {
        "sku": name,
        "name": text,
        "category": text,
        "base_unit": name,
        "units": units,
        "active": flag,
        "bill_of_materials": bill,
        "bill_version": text,
    },
    "location": {
        "location": place,
        "zone": zone,
        "tags": names,
        "snapshot_driven": flag,
        "snapshot_limit": limit,
        "active": flag,
    },
    "authority": {
        "source": place,
        "authority": place,
        "locations": all_or_names,
        "types": event_types,
        "role": one_of(*ROLES),
        "active": flag,
        "rhythm_s": limit,
    },
    "alias": {
        "scope": place,
        "kind": one_of(*ALIAS_KINDS),
        "code": name,
        "target": name,
        "active": flag,
    },
}
"""The fields of each record. The revision is given when it is published."""

REQUIRED = {
    "item": ("sku",),
    "location": ("location",),
    "authority": ("source",),
    "alias": ("scope", "kind", "code", "target"),
}


def parse(record: str, values: Mapping[str, Any]) -> tuple[dict[str, object], list[str]]:
    """The fields that were given, parsed, and a sentence for each that is wrong.

    An empty cell gives the field's default, so it is left out here unless the parser takes it.
    """
    given: dict[str, object] = {}
    wrong = []
    parsers = FIELDS[record]
    for field, value in values.items():
        parser = parsers.get(field)
        if parser is None:
            wrong.append(f"{field}: there is no such field; {record} has {', '.join(parsers)}")
            continue
        try:
            given[field] = parser(value)
        except UnfitError as error:
            wrong.append(f"{field}: {error}")
    wrong += [
        f"{field}: is missing"
        for field in REQUIRED[record]
        if field not in given and not any(line.startswith(f"{field}:") for line in wrong)
    ]
    version = given.pop("bill_version", "")
    bill_given = given.get("bill_of_materials")
    if version and isinstance(bill_given, dict):
        bill_given["version"] = version
    if record == "authority" and "source" in given:
        given.setdefault("authority", given["source"])
    return given, wrong
