"""The example of infra/docs/what-if.md: a week of made-up demand under two policies.

The ledger itself decides the demand, in memory; ``python -m infra.docs.what_if`` writes the picture
beside this file and prints the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

from stockfold.availability.answer import Visible
from stockfold.availability.policy import Policy, Promotion, RingFence
from stockfold.availability.surroundings import Surroundings
from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Period
from stockfold.availability.what_if_sides import Side
from stockfold.availability.what_was import Record, Told
from stockfold.domain.times import DAY_US, parse_us
from stockfold.ledger.decide import decide_and_fold
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState
from stockfold_services.cli.what_if_plot import write_plot
from stockfold_services.cli.what_if_report import print_report, report

FROM_US = parse_us("2026-11-23T00:00:00Z")
SKUS = 40
DAYS = 7
PLACES = ("DC-BERLIN", "DC-BERLIN", "STORE-ROME")
IN_FORCE = (Policy("woo-de", 1, safety_stock=6), Policy("amazon", 1))
SIMULATED = (
    Policy(
        "woo-de",
        2,
        safety_stock=1,
        ring_fences=tuple(RingFence(4, sku=f"SKU-{n:02d}") for n in range(SKUS)),
    ),
    Policy(
        "amazon",
        2,
        locations=("DC-BERLIN",),
        promotions=(
            Promotion("Black Friday", FROM_US + 4 * DAY_US, FROM_US + 5 * DAY_US, units=3),
        ),
    ),
)
RESERVE = {
    "allow_split": True,
    "allow_partial": False,
    "allow_backorder": False,
    "needed_on": None,
    "supply_line": None,
    "expires_at": None,
    "priority": 0,
}
RECEIVED = {"condition": "on_hand", "inbound": None, "line": None}


def history(sku: str, random: Random) -> list[Fact]:
    """What a SKU's journal would hold: a delivery every few days, orders in between."""
    state = SkuState(sku)
    told: list[Fact] = []
    moments = sorted(random.randrange(DAYS * DAY_US) for _ in range(random.randint(8, 40)))
    for number, moment in enumerate([-1, *moments]):
        now_us = FROM_US + moment
        event = f"{sku}-{number}"
        if number % 12 == 0:
            body: Mapping[str, object] = {
                **RECEIVED,
                "location": random.choice(PLACES),
                "quantity": random.randint(8, 30),
            }
            kind = "GoodsReceived"
        else:
            kind = "ReserveStock"
            body = {
                **RESERVE,
                "reservation": event,
                "order": event,
                "line": "1",
                "channel": random.choice(["woo-de", "amazon", "amazon"]),
                "quantity": random.choice([1, 1, 1, 2, 3]),
                "locations": ["DC-BERLIN"],
            }
        given = Input(
            kind,
            sku,
            {"sku": sku, "document": None, "document_line": None, **body},
            "example",
            event,
            now_us,
        )
        facts, refusal = decide_and_fold(state, given, now_us)
        assert refusal is None, refusal
        told += facts
    return told


def told(facts: Iterable[Fact], side: Side) -> Iterator[Told]:
    """What the channels were told, as the service would have recorded it."""
    states: dict[str, SkuState] = {}
    last: dict[tuple[str, str], tuple[int, Visible]] = {}
    for fact in facts:
        sku, at_us = fact.cause.sku, fact.recorded_us
        state = states.setdefault(sku, SkuState(sku))
        evolve(state, fact)
        positions = side.positions(state, "", {})
        for channel, answer in side.answers(positions, Surroundings(moment_us=at_us)).items():
            version, visible = last.get((channel, sku), (0, None))
            if visible != answer.visible:
                last[channel, sku] = version + 1, answer.visible
                yield Told(
                    channel, sku, version + 1, answer.quantity, answer.status, state.seq, at_us
                )


def main() -> None:
    """Simulate, print the table, write the pictures."""
    period = Period(FROM_US, FROM_US + DAYS * DAY_US)
    before = Side({}, history={p.channel: [(0, p)] for p in IN_FORCE})
    after = Side({p.channel: p for p in SIMULATED})
    run = WhatIf(before, after, period)
    random = Random(7)
    facts = [fact for n in range(SKUS) for fact in history(f"SKU-{n:02d}", random)]
    run.record = Record(told(facts, before))
    for fact in sorted(facts, key=lambda fact: fact.recorded_us):
        run.take(fact)
    run.end_partition()
    found = report(run, period)
    print_report(found)
    for ending in ("png", "html"):
        path = Path(__file__).with_name(f"what-if.{ending}")
        write_plot(path, found)


if __name__ == "__main__":
    main()
