"""So many log lines a second of what happens to every event or request, and no more."""

from __future__ import annotations

import logging
import threading

LINES_S_MAX = 200
LINES_MAX = 1_000
"""Texts that are told apart."""


class Bursts(logging.Filter):
    """Lets at most ``LINES_S_MAX`` lines a second through that name a correlation id.

    A shop that is filled for the first time would write a line for each of its listings, and hold
    up who writes them. Warnings, and what is about no event, always pass. How many were left out is
    the field ``left_out`` of the first line of a later second; the read model has every one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._second = 0
        self._passed = 0
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno >= logging.WARNING or not hasattr(record, "correlation_id"):
            return True
        with self._lock:
            second = int(record.created)
            if second != self._second:
                self._second, self._passed = second, 0
            if self._passed >= LINES_S_MAX:
                self._left_out += 1
                return False
            self._passed += 1
            if self._left_out:
                record.left_out = self._left_out
                self._left_out = 0
        return True


class Repeats(logging.Filter):
    """Lets each line of a logger through once a second, whatever becomes of its arguments.

    A server that has too much to do would write one for each request that it refuses, and have
    less time for the others. How many were left out is the field ``left_out`` of the next one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[int, int]] = {}
        """By the text of the line: in which second it was written, and how many were left out."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.exc_info:
            return True  # Each tells another story.
        line, second = str(record.msg), int(record.created)
        written, left_out = self._seen.get(line, (0, 0))
        if second == written:
            self._seen[line] = (written, left_out + 1)
            return False
        if len(self._seen) >= LINES_MAX:
            self._seen.clear()
        self._seen[line] = (second, 0)
        if left_out:
            record.left_out = left_out
        return True
