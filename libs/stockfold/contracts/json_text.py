"""JSON text as a tree in which nothing was lost: doubled keys, decimals and NaN are still there.

Python's reader would keep the last of two equal keys, make 5.0 a float and NaN a number. Here they
stay visible, so that whoever checks the tree can refuse them at their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec

from stockfold.domain.errors import ContractError

JSON_BYTES_MAX = 1024 * 1024
DEPTH_MAX = 16
VALUES_MAX = 250_000
"""Each becomes an object that is many times as large as its text."""
INT_DIGITS_MAX = 20
PROBLEMS_TOLD_MAX = 5
PROBLEMS_MAX = 50
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Path = tuple[str | int, ...]


class JsonObject:
    """An object as it was written: its keys in order, doubled ones included."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


class JsonNumber:
    """A number that is no plain integer: a decimal, an exponent, NaN, or too many digits."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong, where in the JSON, and what to do about it."""

    kind: str
    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path} {self.what}"


class JsonRefusedError(ContractError):
    """JSON that is not taken; ``problems`` are all that were found, at most ``PROBLEMS_MAX``.

    ``kind`` is ``invalid_json`` when the text itself will not do, else ``schema_mismatch``.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        kinds = {problem.kind for problem in problems}
        told = "; ".join(str(problem) for problem in problems[:PROBLEMS_TOLD_MAX])
        more = len(problems) - PROBLEMS_TOLD_MAX
        remedies = dict.fromkeys(problem.remedy for problem in problems[:PROBLEMS_TOLD_MAX])
        super().__init__(
            "invalid_json" if "invalid_json" in kinds else "schema_mismatch",
            told + (f"; and {more} more" if more > 0 else ""),
            remedy=" ".join(remedies),
        )


def invalid(path: Path, what: str, remedy: str) -> Problem:
    """A problem of the text itself."""
    return Problem("invalid_json", path_text(path), what, remedy)


def path_text(path: Path) -> str:
    """A place as a JSON path, such as ``$.locations[2]``."""
    parts = ["$"]
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.fullmatch(step):
            parts.append(f".{step}")
        else:
            parts.append(f"[{json.dumps(step[:80])}]")
    return "".join(parts)


def read(raw: bytes, bytes_max: int = JSON_BYTES_MAX) -> object:
    """The tree of JSON text; JsonRefusedError ``invalid_json``.

    Objects are ``JsonObject``, numbers that are no plain integers ``JsonNumber``.
    """
    if len(raw) > bytes_max:
        raise _refused(f"has {len(raw)} bytes; at most {bytes_max} are taken", "Send it in parts.")
    # An upper bound: text may hold these signs too.
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > VALUES_MAX:
        raise _refused(f"has more than {VALUES_MAX} values", "Send it in parts.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _refused(
            f"is not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}", "Send UTF-8."
        ) from None
    try:
        tree: object = json.loads(
            text,
            object_pairs_hook=JsonObject,
            parse_float=JsonNumber,
            parse_int=_integer,
            parse_constant=JsonNumber,
        )
    except RecursionError:
        raise _too_deep(()) from None
    except json.JSONDecodeError as error:
        raise _refused(
            f"is not JSON: {error.msg} in line {error.lineno} column {error.colno}",
            "Send one JSON document, written by a JSON library.",
        ) from None
    for path, node in _containers(tree):
        if len(path) >= DEPTH_MAX:
            raise _too_deep(path)
        if isinstance(node, JsonObject):
            twice = _doubled(node)
            if twice is not None:
                raise JsonRefusedError(
                    [invalid((*path, twice), "is there twice", "Write every key once.")]
                )
    return tree


def _integer(text: str) -> int | JsonNumber:
    return int(text) if len(text) <= INT_DIGITS_MAX else JsonNumber(text)


def _containers(tree: object) -> Iterator[tuple[Path, JsonObject | list[object]]]:
    """Every object and array with its place, without recursion."""
    waiting: list[tuple[Path, object]] = [((), tree)]
    while waiting:
        path, node = waiting.pop()
        children: list[tuple[str | int, object]] = []
        if isinstance(node, JsonObject):
            yield path, node
            children.extend(node.pairs)
        elif isinstance(node, list):
            yield path, node
            children.extend(enumerate(node))
        waiting.extend(
            ((*path, step), child)
            for step, child in reversed(children)
            if isinstance(child, JsonObject | list)
        )


def _doubled(node: JsonObject) -> str | None:
    seen: set[str] = set()
    for key, _ in node.pairs:
        if key in seen:
            return key
        seen.add(key)
    return None


def _refused(what: str, remedy: str) -> JsonRefusedError:
    return JsonRefusedError([invalid((), what, remedy)])


def _too_deep(path: Path) -> JsonRefusedError:
    return JsonRefusedError(
        [invalid(path, f"is nested more than {DEPTH_MAX} deep", "Send the schema's own shape.")]
    )
