"""What the model says beside its numbers: answers, exceptions and findings."""

from __future__ import annotations

from dataclasses import dataclass, field


class Refused(Exception):  # noqa: N818 - reads as what happened to the input
    """The input changes nothing and goes to the exception desk under ``kind``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class Answer:
    """A reservation status; ``command`` is empty when the ledger acted by itself."""

    reservation: str
    command: str
    status: str
    quantity: int
    reason: str


@dataclass
class Log:
    """Answers in order, and (kind, folded) of every exception and finding in order."""

    answers: list[Answer] = field(default_factory=list)
    exceptions: list[tuple[str, bool]] = field(default_factory=list)

    def answer(
        self, reservation: str | None, command: str, status: str, quantity: int, reason: str = ""
    ) -> None:
        self.answers.append(Answer(reservation or "", command, status, quantity, reason))

    def flag(self, kind: str) -> None:
        """A finding: the event was folded and somebody should look at it."""
        self.exceptions.append((kind, True))

    def refuse(self, kind: str) -> None:
        """An exception: the event changed nothing."""
        self.exceptions.append((kind, False))
