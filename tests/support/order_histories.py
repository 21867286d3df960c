"""Generated histories of orders: told, edited, paid, cancelled, reviewed, in any interleaving."""

from __future__ import annotations

from random import Random

from stockfold.orders.facts import OrderSuspended, Reviewed
from stockfold.orders.rules import Rules
from stockfold.orders.words import Line, Parcel, Terms
from tests.support.orders_world import LOCATION, SECOND_US, World, line

SKUS = ("a", "b", "c", "d")
TOLD = (
    "draft",
    "pending",
    "pending",
    "on_hold",
    "processing",
    "processing",
    "processing",
    "completed",
    "cancelled",
    "failed",
    "refunded",
)
TERMS = (
    Terms(),
    Terms(allow_partial=True),
    Terms(allow_backorder=True),
    Terms(allow_partial=True, allow_backorder=True),
    Terms(ttl_s=300),
)


def run_history(seed: int, *, events: int = 40, orders: int = 4) -> World:
    """A history of so many events, at rest at its end."""
    random = Random(seed)
    stock = {sku: random.choice((0, 1, 3, 6, 10)) for sku in SKUS}
    rules = Rules(answer_s=60, attempts_max=random.choice((1, 3)), retry_s=2.0)
    world = World(stock, seed, rules, packs=True)
    terms = {str(number): random.choice(TERMS) for number in range(orders)}
    for revision in range(1, events + 1):
        order = str(random.randrange(orders))
        match random.randrange(10):
            case 0:
                sku = random.choice(SKUS)
                world.floor(
                    "StockAdjusted",
                    sku,
                    location=LOCATION,
                    bucket="on_hand",
                    delta=random.randint(1, 4),
                    reason="count",
                    document=None,
                    document_line=None,
                    unit=None,
                )
            case 1:
                refused = random.random() < 0.5
                world.give(world.order(order), Reviewed(refused, "fraud", world.now_us + revision))
            case 2:
                world.pass_time(random.choice((1, 3, 70, 400, 4_000)))
            case 3 if random.random() < 0.5:
                suspended = OrderSuspended(revision, "missing_sku_mapping", "{}")
                world.give(world.order(order), suspended)
            case _:
                _tell(world, random, order, revision, terms[order])
        for _ in range(random.choice((0, 1, 2, 5, 50))):
            world.step()
    world.rest()
    return world


def _tell(world: World, random: Random, order: str, revision: int, terms: Terms) -> None:
    lines = tuple(_line(random, str(number)) for number in range(1, random.randint(2, 4)))
    told = random.choice(TOLD)
    parcels = tuple(
        Parcel(known.line, LOCATION, 1)
        for known in lines
        if known.quantity and told == "processing" and random.random() < 0.2
    )
    hold_until_us = world.now_us + 900 * SECOND_US if random.random() < 0.3 else 0
    world.tell(
        order,
        told,
        *lines,
        revision=revision - random.choice((0, 0, 0, 5)),
        terms=terms,
        parcels=parcels,
        accepted=random.random() < 0.7,
        hold_until_us=hold_until_us,
    )


def _line(random: Random, name: str) -> Line:
    quantity = random.choice((0, 1, 2, 2, 5))
    restocked = random.randint(0, quantity) if random.random() < 0.2 else 0
    if random.random() < 0.2:
        parts = (("a", 2), ("c", 1))
        return line(name, "kit", quantity, parts=parts, bill="v1", restocked=restocked)
    return line(name, random.choice(SKUS), quantity, restocked=restocked)
