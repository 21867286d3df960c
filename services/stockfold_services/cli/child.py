"""The process of a service under ``stockfold up``: ``python -m stockfold_services.cli.child NAME``.

Standard input gives the settings as one line of JSON and then stays open; its end means that the
supervisor is gone, and so we stop too.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from stockfold.domain.errors import DefectError, StockfoldError
from stockfold.runtime import logs
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.endpoint import ports_of, telling

log = logging.getLogger(__name__)

SETTINGS_BYTES_MAX = 4 * 1024 * 1024
# A service that does not stop within this is ended, so that nothing is left behind.
STOP_S_MAX = 15.0
LIFELINE = 0
SERVICES = {
    "ledger": "stockfold_services.ledger.main",
    "snapshotter": "stockfold_services.snapshotter.main",
    "services": "stockfold_services.cli.together",
}

Run = Callable[[Settings, threading.Event], None]


def main() -> None:
    """Run the named service until SIGTERM, SIGINT or the supervisor's end."""
    name = sys.argv[1]
    logs.configure(name)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    line = _read_line()
    if not line.endswith(b"\n"):
        return  # The supervisor ended before it could say anything.
    settings = Settings.model_validate_json(line)
    threading.Thread(target=_follow_supervisor, args=(stop,), daemon=True).start()
    try:
        run: Run = importlib.import_module(SERVICES[name]).run
        with telling(settings, name, ports_of(settings).get(name)):
            run(settings, stop)
    except StockfoldError as error:
        log.critical("%s", error)
        sys.exit(error.exit_code)
    except Exception:
        log.critical("%s met a defect", name, exc_info=True)
        sys.exit(DefectError.exit_code)


def _read_line() -> bytes:
    """The settings. Read from the descriptor: a buffered reader's lock would outlive its thread."""
    line = b""
    while not line.endswith(b"\n") and len(line) < SETTINGS_BYTES_MAX:
        part = os.read(LIFELINE, 65_536)
        if not part:
            break
        line += part
    return line


def _follow_supervisor(stop: threading.Event) -> None:
    while os.read(LIFELINE, 4096):
        pass
    stop.set()
    timer = threading.Timer(STOP_S_MAX, os._exit, args=(1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
