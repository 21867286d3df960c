"""Numbers, ages and times as people read them. Pure; used by the templates as filters."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

_STEPS = (
    (120_000, 1_000, "s"),
    (7_200_000, 60_000, "min"),
    (172_800_000, 3_600_000, "h"),
)


def number(value: float | None, digits: int = 0) -> str:
    """A figure with its thousands apart; a dash for what is not known."""
    return "-" if value is None else f"{value:,.{digits}f}"


def duration(ms: float | None) -> str:
    """Milliseconds in the unit that suits them."""
    if ms is None:
        return "not known"
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 10_000:
        return f"{ms / 1_000:.1f} s"
    for below, unit_ms, unit in _STEPS:
        if ms < below:
            return f"{ms // unit_ms:.0f} {unit}"
    return f"{ms // 86_400_000:.0f} days"


def ago(at: datetime | None, now: datetime | None = None) -> Markup | str:
    """How long ago it was, with the exact time for who points at it; "never" without one."""
    if at is None:
        return "never"
    past_ms = ((now or datetime.now(UTC)) - at).total_seconds() * 1000
    told = f"{duration(past_ms)} ago" if past_ms >= 1_000 else "just now"
    if past_ms < -1_000:
        told = f"in {duration(-past_ms)}"
    return _timed(at, told)


def when(at: datetime | None) -> Markup | str:
    """The time itself, in UTC; a dash without one."""
    return "-" if at is None else _timed(at, f"{at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC")


def _timed(at: datetime, told: str) -> Markup:
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), f"{utc:%-d %b %Y, %H:%M:%S} UTC", told
    )


def plain(name: str) -> str:
    """A name of the program as words: ``order_cases`` is "order cases"."""
    return name.replace("_", " ").replace("-", " ")


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: "1 order", "2 orders"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Bytes in the unit that suits them."""
    if count < 1024:
        return f"{count} B"
    for unit in ("KiB", "MiB"):
        count_in = count / 1024 if unit == "KiB" else count / 1024**2
        if count_in < 1024:
            return f"{count_in:.0f} {unit}"
    return f"{count / 1024**3:.1f} GiB"


def short(topic: str) -> str:
    """A topic without what all of them have: ``stockfold.receipts.v1`` is "receipts"."""
    return topic.removeprefix("stockfold.").removesuffix(".v1")
