"""What is made once of values that recur, such as the Avro bytes of a location's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
KEPT_MAX = 65_536


class Kept(dict[Any, T], Generic[T]):
    """``kept[value]`` is what is made of the value; all are let go when there are too many."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make

    def __missing__(self, value: Any) -> T:
        if len(self) >= KEPT_MAX:
            self.clear()
        made = self[value] = self._make(value)
        return made
