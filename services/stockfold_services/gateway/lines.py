"""A stream of bytes as the lines of a file, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator

from stockfold.runtime.problems import Problem

LINE_CHARACTERS_MAX = 64 * 1024
_PACKED = {
    b"PK\x03\x04": "a ZIP archive, or a spreadsheet",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "packed with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\x00": "packed with xz",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
}
"""By how their bytes begin. Nothing is ever unpacked, so that no small file becomes a large one."""
_MAGIC_BYTES = max(map(len, _PACKED))


async def lines(parts: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Every line without its end; an empty one too. Problem 400 for what is no UTF-8, or too long.

    A byte order mark at the beginning is no part of the first line.
    """
    parts = _not_packed(parts)
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest, count = "", 0
    try:
        async for part in parts:
            *whole, rest = (rest + decoder.decode(part)).split("\n")
            for line in whole:
                count += 1
                _check(line, count)
                yield line.removesuffix("\r")
            _check(rest, count + 1)
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Problem(
            400, "Not UTF-8", f"Line {count + 1}: {error.reason}. Send the file in UTF-8."
        ) from None
    if rest:
        _check(rest, count + 1)
        yield rest.removesuffix("\r")


async def _not_packed(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The parts, the first of them as long as any of these marks."""
    head = b""
    async for part in parts:
        head += part
        if len(head) >= _MAGIC_BYTES:
            break
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise Problem(
                415,
                "Packed file not taken",
                f"It is {name}. Unpack it, and send each file in it as text.",
            )
    yield head
    async for part in parts:
        yield part


def _check(line: str, number: int) -> None:
    if len(line) > LINE_CHARACTERS_MAX:
        raise Problem(
            400,
            "Line too long",
            f"Line {number} has more than {LINE_CHARACTERS_MAX} characters. "
            "Send one event or row a line.",
        )
