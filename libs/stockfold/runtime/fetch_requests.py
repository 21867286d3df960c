"""Kafka's Fetch, version 11, as a member of a group sends it: in a session, few bytes at a time.

In a session (KIP-227) the broker remembers what is asked of it, is told only what changes, and
answers only with what has news: with all 56 places of a ledger named each time, naming and reading
them cost this process 0.4 ms a request and the broker as much. aiokafka knows no sessions.

The layout is of https://kafka.apache.org/protocol (Fetch, version 11).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, NamedTuple, Self

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Schema

Place = tuple[str, int]
"""Topic and partition."""
NO_SESSION = 0
_EPOCH_MAX = 2**31 - 1
_ANY_REPLICA, _READ_COMMITTED, _NO_RACK = -1, 1, b"\0\0"
# replica, longest wait, fewest and most bytes, isolation, session's id and epoch
_HEAD = struct.Struct(">iiiibii")
# partition, leader's epoch (unknown), offset, log's start (unknown), most bytes
_ASKED = struct.Struct(">iiqqi")
_COUNT = struct.Struct(">i")
_NAME = struct.Struct(">h")
# throttled for, error, session, topics
_ANSWER = struct.Struct(">ihii")
# partition, error, high watermark, last stable offset, log's start, aborted transactions
_ROW = struct.Struct(">ihqqqi")
_ABORTED = struct.Struct(">qq")
# preferred replica, bytes
_BYTES = struct.Struct(">ii")


class Row(NamedTuple):
    """What a broker says of one partition."""

    place: Place
    error: int
    stable_end: int
    """The last stable offset: what lies before it is committed or aborted."""
    aborted: list[tuple[int, int]]
    """(producer, first offset) of aborted transactions."""
    raw: memoryview
    """Record batches, the last of which may be cut off."""


class Session:
    """What one broker remembers of our asking. Anew after every error."""

    def __init__(self) -> None:
        self._id = NO_SESSION
        self._epoch = 0
        self._known: dict[Place, int] = {}

    def restart(self) -> None:
        """Ask for everything the next time; the broker forgets what it knew."""
        self._epoch, self._known = 0, {}

    def changes(self, wanted: Mapping[Place, int]) -> tuple[dict[Place, int], list[Place]]:
        """Places whose offset the broker does not know, and places it shall forget."""
        known = self._known
        told = {place: at for place, at in wanted.items() if known.get(place) != at}
        return told, [place for place in known if place not in wanted]

    def ask(
        self, wanted: Mapping[Place, int], wait_ms: int, bytes_min: int, sizes: tuple[int, int]
    ) -> Fetch:
        """The request that has ``wanted`` (offsets) answered; ``sizes``: of all, of a partition."""
        told, forgotten = self.changes(wanted)
        self._known = dict(wanted)
        bytes_max, place_bytes_max = sizes
        head = _HEAD.pack(
            _ANY_REPLICA, wait_ms, bytes_min, bytes_max, _READ_COMMITTED, self._id, self._epoch
        )
        asked = (
            (place, _ASKED.pack(place[1], -1, offset, -1, place_bytes_max))
            for place, offset in told.items()
        )
        dropped = ((place, _COUNT.pack(place[1])) for place in forgotten)
        return Fetch(head + _by_topic(asked) + _by_topic(dropped) + _NO_RACK)

    def answered(self, session_id: int) -> None:
        """Go on after an answer; a broker that keeps no session for us is asked for all again."""
        self._id = session_id
        if session_id == NO_SESSION:
            self.restart()
        else:
            self._epoch = self._epoch + 1 if self._epoch < _EPOCH_MAX else 1


def _by_topic(rows: Iterable[tuple[Place, bytes]]) -> bytes:
    topics: dict[str, list[bytes]] = {}
    for (topic, _), row in rows:
        topics.setdefault(topic, []).append(row)
    parts = [_COUNT.pack(len(topics))]
    for topic, found in topics.items():
        name = topic.encode()
        parts += (_NAME.pack(len(name)), name, _COUNT.pack(len(found)), *found)
    return b"".join(parts)


class FetchAnswer(Response):  # type: ignore[misc]
    """An answer, with the bytes of its records where they are."""

    API_KEY = 1
    API_VERSION = 11
    SCHEMA = Schema()

    def __init__(self, error: int, session_id: int, rows: list[Row]) -> None:
        self.error = error
        self.session_id = session_id
        self.rows = rows

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> Self:
        """See ``Struct.decode``."""
        whole = data if isinstance(data, bytes) else data.getvalue()
        at = 0 if isinstance(data, bytes) else data.tell()
        view = memoryview(whole)
        _, error, session_id, topics = _ANSWER.unpack_from(whole, at)
        at += _ANSWER.size
        rows: list[Row] = []
        for _ in range(topics):
            (size,) = _NAME.unpack_from(whole, at)
            at += _NAME.size
            topic = whole[at : at + size].decode()
            (count,) = _COUNT.unpack_from(whole, at + size)
            at += size + _COUNT.size
            for _ in range(count):
                partition, code, _, stable_end, _, aborted = _ROW.unpack_from(whole, at)
                at += _ROW.size
                ended = []
                for _ in range(max(aborted, 0)):
                    ended.append(_ABORTED.unpack_from(whole, at))
                    at += _ABORTED.size
                _, size = _BYTES.unpack_from(whole, at)
                at += _BYTES.size
                end = at + max(size, 0)
                rows.append(Row((topic, partition), code, stable_end, ended, view[at:end]))
                at = end
        return cls(error, session_id, rows)

    def __repr__(self) -> str:
        return f"FetchAnswer({self.error}, {self.session_id}, {len(self.rows)} rows)"


class _FetchStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 1
    API_VERSION = 11
    RESPONSE_TYPE = FetchAnswer
    SCHEMA = Schema()

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def encode(self) -> bytes:
        """See ``Struct.encode``."""
        return self._raw


class Fetch(Request[_FetchStruct]):  # type: ignore[misc]
    """A request that is encoded already."""

    API_KEY = 1

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def build(self, request_struct_class: type[_FetchStruct]) -> Any:
        """See ``Request.build``."""
        return request_struct_class(self._raw)
