"""What the world sends in one history, and when: delays, repeats, aborted transactions."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from stockfold.availability.policy import Backorder, Policy, ReservationTerms, RingFence
from stockfold.contracts import codec, envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import INPUT_OF
from stockfold.domain.errors import ContractError
from stockfold_services.availability.compiler import SOURCE
from tests.support.bodies import LOCATIONS
from tests.support.histories import Input, Options, seeded

from .kafka_log import Entry, Log, Place
from .world import World

SKUS = ("SKU-1", "SKU-2", "SKU-3", "SKU-4", "SKU-5")
GAPS_S = (0.0, 0.0, 0.001, 0.02, 0.2, 0.7)
LATE_S = (0.05, 1.0, 4.0)
PLAIN = frozenset({"GoodsReceived", "StockShipped", "StockAdjusted", "ReturnReceived"})


class Sent(NamedTuple):
    """One input as it went to the log; ``value`` and ``headers`` are its bytes."""

    told: Input
    place: Place
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes | None]]


def make(seed: int, random: Random, partitions: int, *, plain: bool) -> list[Sent]:
    """The inputs of a history; ``plain`` ones add up without any knowledge of the rules."""
    skus = tuple(random.sample(SKUS, random.choice((1, 2, 3))))
    options = Options(skus=skus)
    if plain:
        options = Options(skus=skus, conflicts=False, nonsense=False, late=False, only=PLAIN)
    history = seeded(seed, size=random.randint(6, 24), options=options)
    sent = [_sent(event, partitions, plain=plain) for event in history]
    return [one for one in sent if one is not None]


def _sent(event: Input, partitions: int, *, plain: bool) -> Sent | None:
    name = f"stockfold.{event.event_type}"
    if plain:
        event = event._replace(body={**event.body, "document": None, "document_line": None})
    try:
        value = codec.encode(name, event.body)
    except ContractError:
        return None  # Its producer could not have sent it.
    about = envelope.Envelope(event.event_id, event.source, name, event.occurred_us)
    key = event.body["sku"].encode()
    place = (INPUT_OF[name].name, partition_of(key, partitions))
    return Sent(event, place, key, value, [*envelope.build(about)])


class Sender:
    """Sends the inputs of a history. ``sent`` are those that were committed, by their places."""

    def __init__(self, world: World, log: Log, inputs: list[Sent]) -> None:
        self._world, self._log = world, log
        self._random = world.random
        self.sent: dict[tuple[str, int, int], Input] = {}
        self.left = 0
        self._transactions = 0
        at_s = 0.0
        for one in inputs:
            at_s += self._random.choice(GAPS_S)
            self._plan(at_s, one)

    def _plan(self, at_s: float, one: Sent) -> None:
        random, dice = self._random, self._random.random()
        if dice < 0.15:
            at_s += random.choice(LATE_S)
        if dice > 0.92:
            self._later(at_s, lambda: self._transact(one))
        else:
            self._later(at_s, lambda: self._send(one))
        if random.random() < 0.08:
            self._later(at_s + random.choice(LATE_S), lambda: self._send(one))

    def _later(self, at_s: float, action: object) -> None:
        self.left += 1

        def act() -> None:
            self.left -= 1
            action()

        self._world.at(at_s, act)

    def _send(self, one: Sent) -> None:
        world = self._world
        world.passed_us += max(0, one.told.now_us - world.true_us())
        entry = self._log.append(one.place, one.key, one.value, one.headers)
        if world.is_verbose:
            told = one.told
            world.tell(
                f"{one.place[0]}/{one.place[1]}/{entry.offset()}",
                f"{told.event_type} {told.event_id} of {told.source}, {told.body['sku']}",
            )
        self.sent[*one.place, entry.offset()] = one.told

    def _transact(self, one: Sent) -> None:
        """Send it in a transaction that takes a while, or is aborted and sent again otherwise."""
        self._transactions += 1
        log, name = self._log, f"producer-{self._transactions}"
        epoch, commit = log.fence(name), self._random.random() < 0.4
        txn = log.open_transaction(name, epoch, 60.0)
        value = one.value if commit else _altered(one)
        entry = log.append(one.place, one.key, value, one.headers, txn)

        def end() -> None:
            log.end_transaction(name, epoch, commit=commit)
            if commit:
                self.sent[*one.place, entry.offset()] = one.told
            else:
                self._later(self._random.choice(LATE_S), lambda: self._send(one))

        self._later(self._random.choice((0.0, 0.3, 2.0)), end)


def _altered(one: Sent) -> bytes:
    """What never counts says something else, so that it shows when it did count."""
    body = one.told.body
    field = next((name for name in ("quantity", "delta", "counted") if body.get(name)), None)
    if field is None:
        return one.value
    return codec.encode(f"stockfold.{one.told.event_type}", {**body, field: body[field] + 1})


def decided_by_availability(entry: Entry) -> Input | None:
    """The input that an entry is, when it is of the policy compiler."""
    about = envelope.parse(entry.headers())
    if about.source != SOURCE:
        return None
    body = codec.decode(entry.value())[1]
    name = about.type.removeprefix("stockfold.")
    return Input(name, body, about.id, about.source, about.time_us, about.time_us)


def _fenced(random: Random) -> dict[str, Any]:
    """Ring-fences and backorder limits, so that availability is a source of the ledger."""
    if random.random() < 0.5:
        return {}
    skus = random.sample(SKUS, random.choice((0, 1, 3)))
    fences = tuple(RingFence(random.randint(0, 6), random.choice((0, 1)), sku) for sku in skus)
    limits = tuple(Backorder(random.randint(0, 4), sku) for sku in skus)
    return {
        "ring_fences": fences,
        "backorders": random.choice((None, limits)),
        "share": random.choice((10_000, 5_000)),
        "reservations": ReservationTerms(allow_backorder=True),
    }


def policies(random: Random) -> list[tuple[float, Policy]]:
    """Policies, and when they are published."""
    found = []
    for channel in random.sample(("shop", "web"), random.choice((1, 2))):
        at_s = 0.0
        for revision in range(1, random.choice((2, 2, 3))):
            places = random.choice((None, random.sample(LOCATIONS, 2)))
            policy = Policy(
                channel,
                revision,
                locations=None if places is None else tuple(places),
                safety_stock=random.choice((0, 0, 2)),
                low_stock=random.choice((0, 3)),
                per_location=random.random() < 0.3,
                **_fenced(random),
            )
            found.append((at_s, policy))
            at_s += random.choice((0.5, 3.0, 9.0))
    return found
