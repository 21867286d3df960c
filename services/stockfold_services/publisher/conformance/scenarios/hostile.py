"""Answers that no channel should send: none of them ends the connection, or is believed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from stockfold.channels import Response
from stockfold.channels.conformance import Sent
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NotSo, Stage

DEEP = 100_000
LARGE = 4_000_000
FIRST = 5
"""So many answers are spoiled, one life after the other: look-ups, tokens, writes and the rest."""
Spoil = Callable[[Any], Any]


def _leaves(change: Spoil) -> Spoil:
    """The same shape, and every leaf another one."""

    def changed(value: Any) -> Any:
        match value:
            case dict():
                return {key: changed(item) for key, item in value.items()}
            case list():
                return [changed(item) for item in value]
            case _:
                return change(value)

    return changed


def _swapped(value: Any) -> Any:
    """Lists are mappings, and mappings are lists."""
    match value:
        case dict():
            return [_swapped(item) for item in value.values()]
        case list():
            return {str(number): _swapped(item) for number, item in enumerate(value)}
        case _:
            return value


def _strange(value: Any) -> Any:
    match value:
        case bool():
            return "yes"
        case int() | float():
            return str(value) + "x"
        case str():
            return 17
        case _:
            return []


SPOILS: dict[str, Spoil] = {
    "other types": _leaves(_strange),
    "nulls": _leaves(lambda _: None),
    "mappings": _leaves(lambda _: {"a": [1]}),
    "numbers beyond all bounds": _leaves(lambda v: 10**30 if isinstance(v, int) else v),
    "lists for mappings": _swapped,
    "nothing of it": lambda _: {},
    "a list of lists": lambda _: [[[]]],
    "a word": lambda _: "ok",
    "null": lambda _: None,
}
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half of it": b'{"data": [{"id": 1, "quant',
    "no text": bytes(range(256)),
    "deep nesting": b"[" * DEEP + b"]" * DEEP,
    "deep mappings": b'{"errors":' * DEEP + b"1" + b"}" * DEEP,
    "a large list": b"[" + b"0," * (LARGE // 2) + b"0]",
    "not a number": b'{"quantity": NaN, "data": Infinity}',
    "a byte order mark": b"\xef\xbb\xbfnull",
}


async def types(stage: Stage) -> None:
    """The channel's own answers, with other types in them."""
    for name, spoil in SPOILS.items():
        await _survives(stage, name, partial(_spoiled, spoil))


async def bodies(stage: Stage) -> None:
    """Bodies that have nothing to do with the channel, with its status 200."""
    for name, body in BODIES.items():
        await _survives(stage, name, partial(_instead, body))


async def _survives(stage: Stage, name: str, spoil: Callable[[Response], Response]) -> None:
    """Every one of the first answers is spoiled once, in the life of an adapter that is new."""
    prefix = f"H{len(stage.feed.records)}-"
    skus = stage.listed(3, 2, prefix)
    for nth in range(FIRST):
        left, before = nth, len(stage.wire.exchanges)

        def once(_: Sent, answer: Response | None) -> Response | None:
            nonlocal left
            left -= 1
            return spoil(answer) if answer is not None and left == -1 else answer

        stage.adapter = stage.made()
        stage.wire.change = once
        stage.publish_all(skus, 10 + nth)
        try:
            async with stage.connected():
                await stage.ends_right()
        except NotSo as seen:
            spoiled = [one.sent for one in stage.wire.exchanges[before:]][nth : nth + 1]
            about = f"{spoiled[0].method} {spoiled[0].url}" if spoiled else "none"
            raise NotSo(f"with {name} as answer {nth + 1} ({about}): {seen}") from seen


def _spoiled(spoil: Spoil, answer: Response) -> Response:
    try:
        told = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return answer
    return _instead(msgspec.json.encode(spoil(told)), answer)


def _instead(body: bytes, answer: Response) -> Response:
    headers = {n: v for n, v in answer.headers.items() if n != "content-length"}
    return Response(answer.status, headers, body)


SCENARIOS = (
    Scenario("hostile-types", "Answers with other types in them are not believed", types),
    Scenario(
        "hostile-bodies", "Answers that are huge, deep, cut off or no JSON do no harm", bodies
    ),
)
