"""Text and bytes that somebody else wrote, so that a person sees what is really there. Pure.

Templates escape markup. Here is what escaping leaves alone: control characters, and those that
turn the direction of what follows or have no width, by which one text looks like another
(Unicode Technical Report 36, "Bidirectional Text Spoofing").
"""

from __future__ import annotations

import unicodedata

from markupsafe import Markup

TEXT_MAX = 20_000
BYTES_MAX = 4_096
ROW_BYTES = 16
_PLAIN = frozenset("\n\t")


def visible(text: str, characters_max: int = TEXT_MAX) -> str:
    """The text with every character that cannot be seen written out as its number."""
    shown = "".join(map(_visible, text[:characters_max]))
    left = len(text) - characters_max
    return f"{shown} … and {left:,} more characters" if left > 0 else shown


def _visible(character: str) -> str:
    if character in _PLAIN or not unicodedata.category(character).startswith("C"):
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def text_of(raw: bytes | None) -> str:
    """Bytes as text; what is not UTF-8 is written out in hexadecimal."""
    return "" if raw is None else visible(raw.decode("utf-8", "backslashreplace"))


def hex_of(raw: bytes) -> str:
    """Bytes as a table: offset, sixteen in hexadecimal, and as ASCII."""
    rows = []
    for start in range(0, min(len(raw), BYTES_MAX), ROW_BYTES):
        row = raw[start : start + ROW_BYTES]
        ascii_ = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        rows.append(f"{start:08x}  {row.hex(' '):<{ROW_BYTES * 3 - 1}}  {ascii_}")
    left = len(raw) - BYTES_MAX
    if left > 0:
        rows.append(f"… and {left:,} bytes more")
    return "\n".join(rows)


def coded(text: str) -> Markup:
    """A sentence of ours whose commands are between backticks, with them set as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def fits_a_form(text: str) -> bool:
    """Whether a browser's form gives a text back as it was: HTML knows no NUL and no lone CR."""
    return visible(text) == text and "\n" not in text and "\t" not in text
