from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl
import pytest
from infra.demo.dataset import read_lines
from infra.demo.derivation import World, derive
from infra.demo.messages import Message, Messages
from infra.demo.telling import tell

from stockfold.contracts import envelope
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import INPUT_OF
from stockfold.domain.errors import ContractError

LINES = 3_000


@pytest.fixture(scope="module")
def world() -> World:
    return derive(read_lines(LINES), 1)


@pytest.fixture(scope="module")
def told(world: World) -> list[tuple[int, int, pl.DataFrame]]:
    return list(tell(world))


def messages(told: list[tuple[int, int, pl.DataFrame]]) -> Iterator[tuple[str, Message]]:
    maker = Messages()
    for _, _, events in told:
        for row in events.iter_rows():
            yield row[0], maker.of(row)


def test_waves_and_steps_come_in_order(told: list[tuple[int, int, pl.DataFrame]]) -> None:
    places = [(wave, step) for wave, step, _ in told]
    assert places == sorted(set(places))


def test_telling_from_a_wave_on_gives_the_rest(
    world: World, told: list[tuple[int, int, pl.DataFrame]]
) -> None:
    rest = [step for step in told if step[0] >= 2]
    again = list(tell(world, 2))
    assert [step[:2] for step in again] == [step[:2] for step in rest]
    assert all(a[2].equals(b[2]) for a, b in zip(again, rest, strict=True))


def test_every_event_but_fuel_fits_the_contract(
    told: list[tuple[int, int, pl.DataFrame]],
) -> None:
    for kind, message in messages(told):
        if kind == "fuel":
            with pytest.raises(ContractError, match="900001") as caught:
                decode(message.value)
            assert caught.value.kind == "unknown_schema"
            continue
        schema, body = decode(message.value)
        assert INPUT_OF[schema.name] is message.topic
        assert body["sku"].encode() == message.key
        assert envelope.parse(message.headers).type == schema.name


def test_an_id_comes_twice_only_for_repeats_and_conflicts(
    world: World, told: list[tuple[int, int, pl.DataFrame]]
) -> None:
    payloads: dict[tuple[str, str], list[bytes]] = {}
    for _, message in messages(told):
        attributes = envelope.parse(message.headers)
        payloads.setdefault((attributes.source, attributes.id), []).append(message.value)
    repeated = [values for values in payloads.values() if len(values) > 1]
    same = sum(len(set(values)) == 1 for values in repeated)
    cases = Counter(world.lines["case"].to_list())
    assert same == cases["repeated"]
    assert len(repeated) - same == cases["conflicting"]


def test_a_conflict_comes_after_what_it_contradicts(
    told: list[tuple[int, int, pl.DataFrame]], world: World
) -> None:
    truth = {(b, n): q for b, n, q in world.lines.select("basket", "line", "quantity").iter_rows()}
    first: dict[str, int] = {}
    for kind, message in messages(told):
        if kind not in ("reserved", "allocated", "shipped"):
            continue
        _, body = decode(message.value)
        key = (int(body["order"]), int(body["line"]))
        if key in truth:
            first.setdefault(envelope.parse(message.headers).id, body["quantity"] - truth[key])
    assert set(first.values()) == {0}


def test_orders_keep_the_time_of_the_data_set(
    told: list[tuple[int, int, pl.DataFrame]], world: World
) -> None:
    times = set(world.lines["time_us"]) | set(world.nonsense["time_us"])
    reserved = pl.concat([events for _, _, events in told]).filter(pl.col("kind") == "reserved")
    assert set(reserved["time_us"]) <= times
