"""Units of measure: converted to the SKU's base unit exactly, or not at all."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.domain.errors import ContractError
from stockfold.domain.reference import UnitOfMeasure


def to_base(quantity: int, unit: str, base_unit: str, units: Iterable[UnitOfMeasure]) -> int:
    """The quantity in base units, signed like the quantity.

    ContractError ``unknown_unit`` when the SKU has no such unit, ``inexact_conversion`` when the
    result is no whole number: nothing is ever rounded.
    """
    if unit == base_unit:
        return quantity
    for known in units:
        if known.unit == unit:
            whole, rest = divmod(quantity * known.numerator, known.denominator)
            if rest:
                raise ContractError(
                    "inexact_conversion",
                    f"{quantity} {unit} is no whole number of {base_unit}: {known.denominator} "
                    f"{unit} are {known.numerator} {base_unit}",
                    remedy=f"Send the quantity in {base_unit}, or correct the catalogue's ratio.",
                )
            return whole
    names = ", ".join([base_unit, *(known.unit for known in units)])
    raise ContractError(
        "unknown_unit",
        f"the SKU has no unit {unit!r}; it has {names}",
        remedy="Import the unit into the catalogue, add an alias for it, or send base units.",
    )
