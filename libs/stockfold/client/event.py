"""What every event type of the client has in common."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.domain.times import to_us

_FIRST_DAY = date(1970, 1, 1)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the vocabulary. Fields are as in its schema; times are aware datetimes."""

    sku: str

    @classmethod
    def type_name(cls) -> str:
        """The name of the event type, such as ``stockfold.GoodsReceived``."""
        return f"stockfold.{cls.__name__}"

    def body(self) -> dict[str, Any]:
        """The body as the codec takes it: times in UTC microseconds, days since 1970.

        ContractError ``unencodable`` names the field that has the wrong type.
        """
        plain = msgspec.to_builtins(self, builtin_types=(datetime, date))
        try:
            msgspec.convert(plain, type(self))
        except msgspec.ValidationError as error:
            raise ContractError(
                "unencodable",
                f"{self.type_name()}: {error}",
                where=repr(self),
                remedy="Give the field a value of the type that its documentation names.",
            ) from None
        return {name: _number(name, value, self) for name, value in plain.items()}


def _number(name: str, value: Any, event: Event) -> Any:
    if isinstance(value, datetime):
        try:
            return to_us(value)
        except ValueError as error:
            raise ContractError(
                "unencodable",
                f"{event.type_name()}: {name}: {error}",
                where=repr(event),
                remedy="Give it a time zone: datetime(..., tzinfo=UTC).",
            ) from None
    if isinstance(value, date):
        return (value - _FIRST_DAY).days
    return value
