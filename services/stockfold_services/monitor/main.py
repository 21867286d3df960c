"""The monitor process: a worker of Faust, in its own environment (``make monitor``)."""

from __future__ import annotations

import sys

import faust

from stockfold.contracts.topics import MONITOR
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.settings import load
from stockfold_services.monitor.app import Monitor


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    try:
        settings = attach(load(None))
        ensure_topic(settings, MONITOR)
        monitor = Monitor(settings)
    except StockfoldError as error:
        print(error, file=sys.stderr)  # noqa: T201  (it is what whoever started it reads)
        sys.exit(error.exit_code)
    faust.Worker(monitor.app, loglevel="INFO", quiet=False).execute_from_commandline()


if __name__ == "__main__":
    main()
