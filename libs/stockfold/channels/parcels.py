"""What a shop is told of a parcel that has left. No personal data."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import msgspec

from stockfold.domain.errors import ContractError

CHARACTERS_MAX = 255
QUANTITY_MAX = 10**12
LINES_MAX = 500
_PLAIN = re.compile(r"[A-Za-z0-9._:/@|+-]{1,128}", re.ASCII)
_MARKUP = re.compile(r"[<>\\]")
_RESEND = "Send it corrected; a correction needs a shipment of another name."


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel of one order; ``shipped_at_us`` is UTC microseconds.

    ``correlation`` is what the order is followed by through our systems. ``lines`` are (line as the
    shop numbers it, units); none when it is not said what is inside.
    """

    order: str
    shipment: str
    correlation: str
    shipped_at_us: int
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    lines: tuple[tuple[str, int], ...] = ()

    @property
    def token(self) -> str:
        """What stands for the shipment in the shop: letters and digits alone."""
        return hashlib.sha256(f"{self.order}/{self.shipment}".encode()).hexdigest()[:16]

    @property
    def mark(self) -> str:
        """The correlation as one word that WordPress keeps as it is."""
        return word_of(self.correlation)


def word_of(text: str) -> str:
    """The text if it is one plain word, else a hash of it."""
    return text if _PLAIN.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:32]


def checked(parcel: Parcel) -> Parcel:
    """The parcel; ContractError ``bad_shipment`` for what no shop should be shown."""
    texts = {
        "shipment": parcel.shipment,
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
        "tracking_url": parcel.tracking_url,
    }
    for name, value in texts.items():
        if len(value) > CHARACTERS_MAX or not value.isprintable() or _MARKUP.search(value):
            raise _bad(
                f"{name} is {value[:40]!r}; it must be at most {CHARACTERS_MAX} printable "
                "characters without < > and backslashes"
            )
    if not parcel.shipment:
        raise _bad("it names no shipment")
    if parcel.tracking_url and not _is_http(parcel.tracking_url):
        raise _bad(f"tracking_url {parcel.tracking_url[:60]!r} is no http or https address")
    names = [line for line, _ in parcel.lines]
    if len(set(names)) < len(names) or len(names) > LINES_MAX:
        raise _bad(f"its lines are named twice, or more than {LINES_MAX}")
    for line, quantity in parcel.lines:
        if not _PLAIN.fullmatch(line) or not 1 <= quantity <= QUANTITY_MAX:
            raise _bad(f"{quantity} units of line {line[:40]!r}; it must be 1 to 10^12 of a line")
    return parcel


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _bad(what: str) -> ContractError:
    return ContractError("bad_shipment", what, remedy=_RESEND)
