"""The ledger with a clock that is wrong by STOCKFOLD_FAULT_CLOCK_S seconds.

A process of the tests and not a setting of the service: nobody shall be able to set it by mistake.
"""

from __future__ import annotations

import os
import threading

from stockfold.runtime.clock import SystemClock
from stockfold.runtime.serve import serve
from stockfold.runtime.settings import Settings
from stockfold_services.ledger import main as ledger


class WrongClock(SystemClock):
    """The machine's clock, shifted; what passes is measured rightly."""

    def __init__(self, shift_s: int) -> None:
        self._shift_us = shift_s * 1_000_000

    def now_us(self) -> int:
        return super().now_us() + self._shift_us


def run(settings: Settings, stop: threading.Event) -> None:
    """See ``stockfold_services.ledger.main.run``."""
    ledger.run(settings, stop, clock=WrongClock(int(os.environ["STOCKFOLD_FAULT_CLOCK_S"])))


if __name__ == "__main__":
    serve("ledger", run)
