"""Processes of Prism, and the imitated channel behind them."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stockfold.channels.conformance import Sent, Subject

PRISM = Path("build/prism/node_modules/.bin/prism")
LOOPBACK = "127.0.0.1"
READY_S = 60.0
_STOP_S = 10.0


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def prism(log: Path, *arguments: str) -> Iterator[str]:
    """One Prism; its address, once it listens. RuntimeError with what it said when it does not."""
    port = _free_port()
    command = [str(PRISM), arguments[0], "--host", LOOPBACK, "--port", str(port), *arguments[1:]]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, log)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"Prism does not listen:\n{log.read_text()[-2_000:]}")


class Stand:
    """Serves whichever imitation stands on it, by HTTP."""

    def __init__(self) -> None:
        self.subject: Subject | None = None
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


def _handler(stand: Stand) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            subject = stand.subject
            assert subject is not None
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = subject.answer(Sent(self.command, subject.url + self.path, headers, body))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests say what matters."""

    return Handler
