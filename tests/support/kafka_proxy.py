"""A TCP proxy in front of a Kafka broker that can swallow the reply to a request of a given kind.

Clients that bootstrap through it stay with it: the broker's own address in the answers to Metadata
and FindCoordinator is replaced by the proxy's (host and port stand beside each other there, in
every version, so the bytes are replaced without parsing the rest).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

METADATA, FIND_COORDINATOR, END_TXN = 3, 10, 26
HOST = "127.0.0.1"
Manner = Literal["cut", "swallow"]
"""What the client sees instead of the reply: the connection ends, or nothing at all."""


class KafkaProxy:
    """A context; ``address`` is what clients bootstrap from."""

    def __init__(self, broker: str) -> None:
        self._broker_port = int(broker.rpartition(":")[2])
        self._listener = socket.create_server((HOST, 0))
        self._port = self._listener.getsockname()[1]
        self._order: tuple[int, Manner] | None = None
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self.dropped = threading.Event()
        self.address = f"{HOST}:{self._port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="kafka-proxy", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A thread that accepts holds the listener open; a last connection lets it look up.
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in sockets:
            _close(each)

    def drop_next(self, api_key: int, manner: Manner) -> None:
        """Keep the next reply to a request of this kind to ourselves; ``dropped`` says when."""
        self.dropped.clear()
        with self._lock:
            self._order = (api_key, manner)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection((HOST, self._broker_port), timeout=5)
                broker.settimeout(None)
            except OSError:
                client.close()
                continue
            self._sockets |= {client, broker}
            kinds: dict[int, int] = {}
            self._pump(client, broker, lambda frame, kinds=kinds: _noted(frame, kinds))
            self._pump(broker, client, lambda frame, kinds=kinds: self._reply(frame, kinds))

    def _pump(
        self, source: socket.socket, target: socket.socket, through: Callable[[bytes], bytes]
    ) -> None:
        def work() -> None:
            try:
                while frame := _frame(source):
                    passed = through(frame)
                    if passed:
                        target.sendall(struct.pack(">i", len(passed)) + passed)
            except (OSError, _Cut):
                pass
            finally:
                _close(source)
                _close(target)

        threading.Thread(target=work, daemon=True).start()

    def _reply(self, frame: bytes, kinds: dict[int, int]) -> bytes:
        kind = kinds.pop(int.from_bytes(frame[:4], "big"), -1)
        with self._lock:
            order = self._order
            if order is not None and order[0] == kind:
                self._order = None
                self.dropped.set()
                if order[1] == "cut":
                    raise _Cut
                return b""
        if kind in (METADATA, FIND_COORDINATOR):
            told, ours = (
                HOST.encode() + port.to_bytes(4, "big") for port in (self._broker_port, self._port)
            )
            return frame.replace(told, ours)
        return frame


class _Cut(Exception):  # noqa: N818 - an order, not an error
    """The connection ends here."""


def _noted(frame: bytes, kinds: dict[int, int]) -> bytes:
    """Remember what kind of request a correlation id stands for."""
    kind, _, correlation = struct.unpack(">hhi", frame[:8])
    kinds[correlation] = kind
    return frame


def _frame(source: socket.socket) -> bytes:
    """The next whole frame without its length; nothing at the end."""
    head = _exactly(source, 4)
    return _exactly(source, int.from_bytes(head, "big")) if head else b""


def _exactly(source: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = source.recv(min(count - len(parts), 1 << 20))
        if not part:
            return b""
        parts += part
    return bytes(parts)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
