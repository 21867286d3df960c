"""Whether an event that the desk would send would be refused again, and what it would change.

The ledger's own reading and deciding, on the SKU as its facts make it. What only the running ledger
knows is not asked: reference data (authorities, aliases, the catalogue) and the ids it remembers.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.inputs import InputReader
from stockfold.contracts.topics import INPUTS, ORDERS
from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US
from stockfold.explain.describe import describe
from stockfold.ledger.decide import decide_and_fold
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact, Refused
from stockfold.ledger.horizons import Horizons
from stockfold.ledger.state import SkuState
from stockfold.ledger.validation import validate
from stockfold.orders.reading import check_event
from stockfold.runtime.desk.repair import Message
from stockfold.runtime.registry import open_registry
from stockfold.runtime.settings import Settings


class Foreseen(msgspec.Struct, frozen=True):
    """``refused`` is why it would be refused again, empty when it would not; ``remedy`` what to do
    about it. ``facts`` say what it would bring; ``known`` is false for what the ledger does not
    decide.
    """

    refused: str = ""
    remedy: str = ""
    kind: str = ""
    facts: tuple[str, ...] = ()
    known: bool = True


def foresee(
    settings: Settings, message: Message, sku: str, facts: Iterable[Fact], now_us: int
) -> Foreseen:
    """What would become of a message; ``facts`` are all of its SKU, in order."""
    if message.topic not in INPUTS:
        return _of_order(message)
    try:
        given = InputReader(open_registry(settings)).read(
            message.topic.name,
            frozenset(message.topic.schemas),
            0,
            0,
            now_us // 1_000,
            message.key,
            message.value,
            [(name, raw) for name, raw in message.headers if raw is not None],
        )
        validate(given.type, given.body)
        horizons = Horizons(
            settings.ledger.dedupe_horizon_s * SECOND_US,
            settings.ledger.movement_horizon_s * SECOND_US,
        )
        horizons.check(given, now_us, 0)
        state = SkuState(given.sku)
        for fact in facts if given.sku == sku else ():
            evolve(state, fact)
        made, refusal = decide_and_fold(state, given, now_us)
    except ContractError as error:
        return Foreseen(error.what, error.remedy, error.kind)
    except Refused as error:
        return Foreseen(error.reason, error.remedy, error.kind)
    if refusal is not None:
        return Foreseen(refusal.reason, refusal.remedy, refusal.kind)
    # A correction may name another SKU, whose facts were not read.
    return Foreseen(facts=tuple(map(describe, made)) if given.sku == sku else ())


def _of_order(message: Message) -> Foreseen:
    try:
        schema, body = decode(message.value)
        if message.topic is ORDERS:
            check_event(body)
    except ContractError as error:
        return Foreseen(error.what, error.remedy, error.kind)
    except Refused as error:
        return Foreseen(error.reason, error.remedy, error.kind)
    return Foreseen(known=schema.name not in ORDERS.schemas)
