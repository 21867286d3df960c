"""A stream of bytes as the lines of a file, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator

from stockfold.runtime.problems import Problem

LINE_CHARACTERS_MAX = 64 * 1024


async def lines(parts: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Every line without its end; an empty one too. Problem 400 for what is no UTF-8, or too long.

    A byte order mark at the beginning is no part of the first line.
    """
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


def _check(line: str, number: int) -> None:
    if len(line) > LINE_CHARACTERS_MAX:
        raise Problem(
            400,
            "Line too long",
            f"Line {number} has more than {LINE_CHARACTERS_MAX} characters. "
            "Send one event or row a line.",
        )
