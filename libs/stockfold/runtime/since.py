"""``--since``: so long ago, or a time."""

from __future__ import annotations

import re

from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import SECOND_US, parse_us
from stockfold.runtime.clock import SYSTEM_CLOCK

HELP = "Only newer ones: 30m, 12h, 7d, or a time with an offset."
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def since_us(text: str | None, option: str = "--since") -> int | None:
    """The moment that ``text`` names, UTC microseconds; StockfoldError when it names none."""
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if ago:
        return SYSTEM_CLOCK.now_us() - int(ago[1]) * _UNITS_S[ago[2]] * SECOND_US
    try:
        return parse_us(text)
    except ValueError:
        raise StockfoldError(
            f"{option} {text!r} is no time",
            remedy="Write 30m, 12h, 7d, or a time with an offset: 2026-11-01T12:00:00Z.",
        ) from None
