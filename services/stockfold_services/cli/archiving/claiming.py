"""Who archives to a place: one process at a time, by a file that only one can make.

Each archiver makes the next of a row of numbered files, says in it until when it is at work, and
says so anew while it is. Where the newest file's time is over, its maker has died, and the next
number is free to take. Two that take it in the same moment meet in the making of the file, which
succeeds once; one that was thought dead, and was not, finds the next number and stops.
"""

from __future__ import annotations

import os
import socket

import msgspec

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.domain.times import format_us
from stockfold.runtime.clock import Clock
from stockfold_services.cli.place import Place

FOLDER = "archivers"
LASTS_S = 120
"""Above what a segment takes, and how far the clocks of two machines may be apart."""


class Holder(msgspec.Struct, frozen=True):
    """Who it is, and until when it is at work unless it says so anew. UTC microseconds."""

    host: str
    pid: int
    until_us: int


class Claim:
    """One archiver's right to write to a place."""

    def __init__(self, place: Place, number: int, clock: Clock, lasts_s: int) -> None:
        self._place = place
        self._number = number
        self._clock = clock
        self._lasts_us = lasts_s * 1_000_000
        self._until_us = 0

    @classmethod
    def take(cls, place: Place, clock: Clock, rests_s: int = 0) -> Claim:
        """Take it, for ``LASTS_S`` and the seconds that the archiver rests between its passes.

        UnavailableError when another archiver is at work.
        """
        stems = (name.partition(".")[0] for name in place.names(FOLDER))
        numbers = sorted(int(stem) for stem in stems if stem.isdecimal())
        newest = numbers[-1] if numbers else 0
        _refuse_living(place, newest, clock.now_us())
        made = cls(place, newest + 1, clock, LASTS_S + rests_s)
        if not place.write_new(_name(newest + 1), made._holder()):
            raise _busy(place, "another archiver began in the same moment")
        for number in numbers:
            place.remove(_name(number))
        return made

    def keep(self) -> None:
        """Say that it is at work. SettingsError when another has taken its place meanwhile."""
        if self._place.read(_name(self._number + 1)) is not None:
            raise SettingsError(
                "another archiver writes here: this one was silent for too long",
                where=self._place.url,
                remedy="Run one archiver per place. What this one has written stays.",
            )
        if self._until_us - self._clock.now_us() < self._lasts_us // 2:
            self._place.write(_name(self._number), self._holder())

    def release(self) -> None:
        """Others may write from now on."""
        holder = Holder(socket.gethostname(), os.getpid(), 0)
        self._place.write(_name(self._number), msgspec.json.encode(holder))

    def _holder(self) -> bytes:
        self._until_us = self._clock.now_us() + self._lasts_us
        holder = Holder(socket.gethostname(), os.getpid(), self._until_us)
        return msgspec.json.encode(holder)


def _name(number: int) -> str:
    return f"{FOLDER}/{number:08d}.json"


def _refuse_living(place: Place, number: int, now_us: int) -> None:
    """One that died while it wrote its file is none; if it lives, it will find ours."""
    raw = place.read(_name(number))
    try:
        holder = msgspec.json.decode(raw or b"", type=Holder)
    except msgspec.MsgspecError:
        return
    if now_us < holder.until_us:
        raise _busy(
            place,
            f"an archiver is at work: process {holder.pid} of {holder.host}, as it says until "
            f"{format_us(holder.until_us)}",
        )


def _busy(place: Place, what: str) -> UnavailableError:
    return UnavailableError(
        what,
        where=place.url,
        remedy="Run one archiver per place. If it has died, run this again after that time.",
    )
