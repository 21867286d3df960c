"""Logs: readable on a terminal, one JSON object per line elsewhere."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from types import TracebackType
from typing import TextIO

import orjson

from stockfold.domain.times import format_us
from stockfold.runtime.log_bursts import Bursts
from stockfold.runtime.redaction import redacted

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CHATTY = ("aiokafka", "asyncio", "httpx", "httpcore", "jgo", "cjdk", "urllib3", "uvicorn")


# What a terminal would act on, or show in another order; strangers' names are in our messages.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


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
            "message": redacted(record.getMessage()),
            **_extras(record),
        }
        if record.exc_info:
            line["error"] = redacted(self.formatException(record.exc_info))
        return redacted(orjson.dumps(line, default=str).decode())


class TerminalFormatter(logging.Formatter):
    """Time, level, service and message on one line; a traceback below it."""

    def __init__(self, service: str) -> None:
        super().__init__(
            f"%(asctime)s %(levelname)-7s {service:<12} %(message)s", datefmt="%H:%M:%S"
        )

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's
        """The line itself; what a stranger wrote begins no other one."""
        record.message = record.message.replace("\n", "\n    ")
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        """The record as a readable line, with its ``extra`` fields behind the message."""
        text = _CONTROLS.sub(_escaped, redacted(super().format(record)))
        extras = " ".join(f"{name}={value}" for name, value in _extras(record).items())
        extras = _CONTROLS.sub(_escaped, redacted(extras.replace("\n", "\\n")))
        if not extras:
            return text
        head, separator, rest = text.partition("\n")
        return f"{head} {extras}{separator}{rest}"


def configure(service: str, stream: TextIO | None = None) -> None:
    """Set up the root logger for ``service``, on standard error. Repeating it replaces it.

    STOCKFOLD_LOG_LEVEL (default INFO) and STOCKFOLD_LOG_FORMAT (``terminal`` or ``json``; default
    by whether the stream is a terminal) are read from the environment. Below DEBUG, lines about
    single events are bounded (see ``log_bursts``).
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
    if root.level > logging.DEBUG:
        handler.addFilter(Bursts())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(
        told.exc_type, told.exc_value or told.exc_type(), told.exc_traceback
    )


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A defect ends up in the log like everything else, not on standard error as it is."""
    if issubclass(kind, (KeyboardInterrupt, SystemExit)):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("unexpected error", exc_info=(kind, error, trace))
