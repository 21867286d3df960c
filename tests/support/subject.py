"""What the semantics are tested against: the model, and whatever else answers the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tests.support.ledger_subject import LedgerSubject
from tests.support.model import Model

SKU = "SKU-1"


class Answered(Protocol):
    """A reservation status; ``command`` is empty when the ledger acted by itself."""

    @property
    def reservation(self) -> str: ...
    @property
    def command(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def reason(self) -> str: ...


class Subject(Protocol):
    """One SKU that is fed inputs and asked for its numbers. All-zero rows may be left out."""

    def feed(
        self,
        event_type: str,
        body: dict,
        *,
        event_id: str,
        source: str,
        occurred_us: int,
        now_us: int,
        sequence: int | None = None,
    ) -> None: ...
    def tick(self, now_us: int) -> None: ...
    def positions(self) -> dict[str, dict[str, int]]: ...
    def outside(self) -> dict[str, int]: ...
    def atp(self) -> int: ...
    def deficit(self) -> int: ...
    def claims(self) -> dict[tuple[str, str], tuple[int, int]]: ...
    def backordered(self) -> dict[str, int]: ...
    def lines(self) -> dict[tuple[str, str], dict[str, int]]: ...
    def expected(self) -> dict[tuple[str, str], tuple[str, int]]: ...
    def answers(self) -> Sequence[Answered]: ...
    def exceptions(self, *, folded: bool | None = None) -> list[str]: ...
    def parked(self) -> list[tuple[str, str, str]]: ...


# Every implementation by its name; each test of the semantics runs against all of them.
SUBJECTS: dict[str, Callable[[], Subject]] = {
    "model": lambda: Model(SKU),
    "ledger": lambda: LedgerSubject(SKU),
}
