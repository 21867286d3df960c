"""Times and ages as people type them."""

from __future__ import annotations

import re

from stockfold.domain.errors import SettingsError
from stockfold.domain.times import SECOND_US, parse_us
from stockfold.runtime.clock import SYSTEM_CLOCK

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGE = re.compile(r"(\d{1,6})([smhd])")


def age_us(text: str, option: str) -> int:
    """Microseconds of 30m, 12h or 14d; SettingsError for anything else."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise SettingsError(f"{text!r} is no age", where=option, remedy="Write 30m, 12h or 14d.")
    return int(found[1]) * _UNITS_S[found[2]] * SECOND_US


def moment_us(text: str, option: str) -> int:
    """UTC microseconds of a time with an offset, or of an age before now, not in the future."""
    now_us = SYSTEM_CLOCK.now_us()
    if _AGE.fullmatch(text):
        return now_us - age_us(text, option)
    try:
        us = parse_us(text)
    except ValueError:
        raise SettingsError(
            f"{text!r} is no time",
            where=option,
            remedy="Write a time with an offset, 2026-11-01T12:00:00Z, or how long ago: 30m, 14d.",
        ) from None
    if us > now_us:
        raise SettingsError(
            f"{text} is in the future", where=option, remedy="Nothing is known of it yet."
        )
    return us
