"""The SKUs of one partition, of which most rest: a row of bytes each, until its next event.

A SKU of one location takes about 1,100 bytes as Python objects and about 80 as a row. Those that
woke longest ago are packed again, some at the end of each batch, so that about ``AWAKE_MAX`` stay
awake; which they are changes nothing that is decided.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, cast

from stockfold.contracts.resting_rows import has_old_moves, is_plain, pack, rare_in, unpack, weight
from stockfold.ledger.state import SkuState

AWAKE_MAX = 8_192
HEAVY = 100
"""A SKU of this weight stays awake: to pack it takes longer than an event should wait."""


class States(Protocol):
    """SKUs as a fold wants them."""

    def get(self, sku: str, /) -> SkuState | None:
        """The state, to be changed; None when the SKU is new."""
        ...

    def __getitem__(self, sku: str, /) -> SkuState: ...

    def __setitem__(self, sku: str, state: SkuState, /) -> None: ...

    def __len__(self) -> int: ...

    def values(self) -> Iterable[SkuState]:
        """Every state, to be read."""
        ...


class Skus:
    """By SKU its state, in the order in which the SKUs were first seen.

    A state that was got is the one to change, until the next ``rest``: do not keep it longer.
    ``values`` and ``items`` wake nobody, so what they give is to be read, and not changed.
    """

    def __init__(self, rows: Mapping[str, bytes] | None = None) -> None:
        self._all: dict[str, SkuState | bytes] = dict(rows or {})
        self._awake: deque[str] = deque()
        """Who is awake, by when they woke; a name may stand in it that is not, or twice."""
        self._woken = 0
        """How many woke since the last ``rest``."""

    def get(self, sku: str) -> SkuState | None:
        """The state, to be changed; None when the SKU is new."""
        found = self._all.get(sku)
        if found.__class__ is bytes:
            return self._wake(sku, found)
        return cast("SkuState | None", found)

    def __getitem__(self, sku: str) -> SkuState:
        found = self._all[sku]
        return self._wake(sku, found) if isinstance(found, bytes) else found

    def __setitem__(self, sku: str, state: SkuState) -> None:
        self._all[sku] = state
        self._awake.append(sku)
        self._woken += 1

    def __delitem__(self, sku: str) -> None:
        del self._all[sku]

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, sku: object) -> bool:
        return sku in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def items(self) -> Iterator[tuple[str, SkuState]]:
        """Every SKU and its state, to be read."""
        for sku, found in self._all.items():
            yield sku, unpack(sku, found) if isinstance(found, bytes) else found

    def values(self) -> Iterator[SkuState]:
        """Every state, to be read."""
        return (state for _, state in self.items())

    def rows(self) -> Iterator[tuple[str, bytes]]:
        """Every SKU and its row: equal folds give equal ones."""
        for sku, found in self._all.items():
            yield sku, found if isinstance(found, bytes) else pack(found)

    def waiting(self) -> Iterator[tuple[str, int, bool]]:
        """(SKU, next expiry in UTC microseconds or 0, whether a command is parked) where it is so.

        Asks the rows, which is much less than to unpack them.
        """
        for sku, found in self._all.items():
            waits = rare_in(found) if isinstance(found, bytes) else found
            if waits is not None and (waits.next_expiry_us or waits.parked):
                yield sku, waits.next_expiry_us, bool(waits.parked)

    def has_nothing_to_forget(self, sku: str) -> bool:
        """Whether that is certain without waking it."""
        found = self._all.get(sku)
        return isinstance(found, bytes) and is_plain(found) and not has_old_moves(found)

    @property
    def awake(self) -> int:
        """About how many are awake."""
        return len(self._awake)

    def rest(self) -> None:
        """Pack those that woke longest ago, where there are too many; nobody may hold a state then.

        At most two for each that woke since the last time, so that no call takes long.
        """
        awake = self._awake
        for _ in range(min(len(awake) - AWAKE_MAX, 2 * self._woken)):
            sku = awake.popleft()
            state = self._all.get(sku)
            if not isinstance(state, SkuState):
                continue
            if weight(state) < HEAVY:
                self._all[sku] = pack(state)
            else:
                awake.append(sku)
        self._woken = 0

    def _wake(self, sku: str, row: bytes) -> SkuState:
        state = self._all[sku] = unpack(sku, row)
        self._awake.append(sku)
        self._woken += 1
        return state
