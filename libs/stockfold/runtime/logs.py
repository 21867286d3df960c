"""Logs: readable on a terminal, one JSON object per line elsewhere."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

import orjson

from stockfold.domain.times import format_us

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CHATTY = ("aiokafka", "asyncio", "httpx", "httpcore", "jgo", "cjdk", "urllib3", "uvicorn")


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {k: v for k, v in vars(record).items() if k not in _STANDARD and not k.startswith("_")}


class JsonFormatter(logging.Formatter):
    """One JSON object per record; ``extra`` fields are kept."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            "time": format_us(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TerminalFormatter(logging.Formatter):
    """Time, level, service and message on one line; a traceback below it."""

    def __init__(self, service: str) -> None:
        super().__init__(
            f"%(asctime)s %(levelname)-7s {service:<12} %(message)s", datefmt="%H:%M:%S"
        )

    def format(self, record: logging.LogRecord) -> str:
        """The record as a readable line, with its ``extra`` fields behind the message."""
        text = super().format(record)
        extras = " ".join(f"{name}={value}" for name, value in _extras(record).items())
        if not extras:
            return text
        head, separator, rest = text.partition("\n")
        return f"{head} {extras}{separator}{rest}"


def configure(service: str, stream: TextIO | None = None) -> None:
    """Set up the root logger for ``service``, on standard error. Repeating it replaces it.

    STOCKFOLD_LOG_LEVEL (default INFO) and STOCKFOLD_LOG_FORMAT (``terminal`` or ``json``; default
    by whether the stream is a terminal) are read from the environment.
    """
    out = stream or sys.stderr
    form = os.environ.get("STOCKFOLD_LOG_FORMAT") or ("terminal" if out.isatty() else "json")
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        TerminalFormatter(service) if form == "terminal" else JsonFormatter(service)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = os.environ.get("STOCKFOLD_LOG_LEVEL", "INFO").upper()
    root.setLevel(level if level in logging.getLevelNamesMapping() else "INFO")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
