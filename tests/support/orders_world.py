"""Orders and a ledger without Kafka: who is heard next is chosen by the test, one message a time.

Both are the production code. Commands of one SKU keep their order, as do answers about one SKU;
everything else may interleave as it likes, and any message may come twice.
"""

from __future__ import annotations

from collections import defaultdict, deque
from random import Random
from typing import Any

from stockfold.contracts.codec import decode
from stockfold.contracts.order_commands import command_of
from stockfold.contracts.order_journal import (
    Cause,
    decode_order_entry,
    encode_order_fact,
)
from stockfold.contracts.order_records import encode_case, encode_order_status
from stockfold.contracts.order_rows import pack, unpack
from stockfold.ledger.decide import decide_and_fold as decide_ledger
from stockfold.ledger.decide import tick as tick_ledger
from stockfold.ledger.entities import Line as LedgerLine
from stockfold.ledger.facts import Fact as LedgerFact
from stockfold.ledger.facts import Input
from stockfold.ledger.state import SkuState
from stockfold.orders.decide import decide_and_fold, due_us
from stockfold.orders.facts import Answered, Fact, Given, Moved, OrderTold, Tick
from stockfold.orders.rules import Rules
from stockfold.orders.state import OrderState
from stockfold.orders.words import Line, Order, Terms

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
LOCATION = "BERLIN"


class World:
    """Some orders, some SKUs, and what is under way between them.

    ``packs``: orders go through bytes now and then; whoever holds one holds an old one then.
    """

    def __init__(
        self,
        stock: dict[str, int],
        seed: int = 0,
        rules: Rules | None = None,
        *,
        packs: bool = False,
    ) -> None:
        self._packs = packs
        self.random = Random(seed)
        self.rules = rules or Rules(answer_s=60, attempts_max=4, retry_s=2.0)
        self.now_us = START_US
        self.skus = {sku: SkuState(sku) for sku in stock}
        self.orders: dict[str, OrderState] = {}
        self.journal: list[bytes] = []
        self.moves: set[tuple[str, str, str]] = set()
        self.commands: dict[str, deque[Input]] = defaultdict(deque)
        self.answers: dict[str, deque[tuple[str, Answered]]] = defaultdict(deque)
        self.heard = 0
        self.put: list[tuple[str, int]] = []
        """(SKU, units) that were put on the shelf."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        for sku, units in stock.items():
            if units:
                self.floor(
                    "StockAdjusted",
                    sku,
                    location=LOCATION,
                    bucket="on_hand",
                    delta=units,
                    reason="count",
                    document=None,
                    document_line=None,
                    unit=None,
                )

    # --- what is told ---------------------------------------------------------------------------

    def floor(self, event_type: str, sku: str, **body: Any) -> None:
        """The floor tells the ledger something, at once."""
        self.heard += 1
        if event_type == "StockAdjusted":
            self.put.append((sku, body["delta"]))
        given = Input(event_type, sku, {"sku": sku, **body}, "floor", f"f{self.heard}", self.now_us)
        self._decide(sku, given)

    def order(self, order_id: str, channel: str = "shop") -> OrderState:
        """The order, empty when it is new."""
        key = f"{channel}|{order_id}"
        if key not in self.orders:
            self.orders[key] = OrderState(channel, order_id)
        return self.orders[key]

    def give(self, state: OrderState, given: Given) -> list[Fact]:
        """An input of the orders service."""
        before, seq = state.status, state.seq
        facts = decide_and_fold(state, given, self.now_us, self.rules)
        for number, fact in enumerate(facts, seq + 1):
            value = encode_order_fact(
                state.channel, state.order_id, number, fact, Cause(), self.now_us
            )
            self.journal.append(value)
            if isinstance(fact, Moved):
                self.moves.add((before, fact.target, fact.reason))
                before = fact.target
            elif isinstance(fact, OrderTold) and before == "suspended":
                before = "new"
            command = command_of(state, number, fact, "", self.now_us)
            if command is not None:
                schema, body = decode(command.value)
                headers = dict(command.headers)
                name = schema.name.removeprefix("stockfold.")
                event_id = headers["ce_id"]
                assert isinstance(event_id, bytes)
                self.asked.append((name, body))
                self.commands[command.sku].append(
                    Input(name, command.sku, body, "orders", event_id.decode(), self.now_us)
                )
        encode_order_status(state, Cause(), self.now_us)
        for case in state.cases.values():
            encode_case(state, case)
        return facts

    def tell(self, order_id: str, told: str, *lines: Line, revision: int = 1, **more: Any) -> None:
        """An order is now like this."""
        accepted = more.pop("accepted", True)
        terms = more.pop("terms", Terms())
        order = Order(revision, told, accepted, lines, terms, (LOCATION,), **more)  # type: ignore[arg-type]
        self.give(self.order(order_id), OrderTold(order))

    # --- what happens ---------------------------------------------------------------------------

    def steps(self) -> list[tuple[str, str]]:
        """What may happen next."""
        return [("ledger", sku) for sku, queue in self.commands.items() if queue] + [
            ("orders", sku) for sku, queue in self.answers.items() if queue
        ]

    def step(self) -> bool:
        """Let one message be heard, any of those that may; whether there was one."""
        possible = self.steps()
        if not possible:
            return False
        kind, sku = self.random.choice(possible)
        if kind == "ledger":
            self._decide(sku, self.commands[sku].popleft())
        else:
            key, answer = self.answers[sku].popleft()
            self._pack(key)
            self.give(self.orders[key], answer)
            if self.random.random() < 0.2:
                assert self.give(self.orders[key], answer) == []
        return True

    def _pack(self, key: str) -> None:
        """Now and then an order goes through bytes, as when it rests or is restored."""
        if self._packs and self.random.random() < 0.3:
            self.orders[key] = unpack(pack(self.orders[key]))

    def settle(self) -> None:
        """Let everything be heard, without time passing."""
        while self.step():
            pass

    def pass_time(self, seconds: float) -> None:
        """Time passes, for the ledger first."""
        self.now_us += int(seconds * SECOND_US)
        for sku, state in self.skus.items():
            if state.next_expiry_us and state.next_expiry_us <= self.now_us:
                self._answer(sku, tick_ledger(state, self.now_us))
        for key in list(self.orders):
            self._pack(key)
            state = self.orders[key]
            due = due_us(state, self.rules)
            if due and due <= self.now_us:
                self.give(state, Tick())

    def rest(self, rounds_max: int = 400) -> None:
        """Let everything come to rest: messages first, then time, again and again."""
        for _ in range(rounds_max):
            self.settle()
            dues = [d for s in self.orders.values() if (d := due_us(s, self.rules))]
            if not dues:
                return
            self.pass_time(max(min(dues) - self.now_us, 0) / SECOND_US)
        raise AssertionError(f"no rest after {rounds_max} rounds: {self.statuses()}")

    def _decide(self, sku: str, given: Input) -> None:
        facts, refusal = decide_ledger(self.skus[sku], given, self.now_us)
        assert refusal is None, refusal
        self._answer(sku, facts)

    def _answer(self, sku: str, facts: list[LedgerFact]) -> None:
        for fact in facts:
            change = fact.change
            if change is None or change.status is None:
                continue
            state = self.skus[sku]
            key = state.reservations.get(change.status[0])
            line = change.line or state.lines.get(key or ("", ""), LedgerLine("", ""))
            if not line.order.startswith("shop/"):
                continue
            order = f"shop|{line.order.removeprefix('shop/')}"
            self.answers[sku].append((order, _answered(sku, fact, line)))

    # --- what is seen ---------------------------------------------------------------------------

    def statuses(self) -> dict[str, str]:
        """Order id → state of its life cycle."""
        return {state.order_id: state.status for state in self.orders.values()}

    def held(self, order_id: str, sku: str) -> int:
        """Units that the ledger itself holds for an order."""
        name = f"shop/{order_id}"
        lines = self.skus[sku].lines.values()
        return sum(
            line.reserved_units() + line.allocated_units() for line in lines if line.order == name
        )

    def waiting(self, order_id: str, sku: str) -> int:
        """Units that wait in the ledger for an order."""
        name = f"shop/{order_id}"
        return sum(line.backordered for line in self.skus[sku].lines.values() if line.order == name)

    def shipped(self, order_id: str, sku: str) -> int:
        """Units that the ledger has shipped for an order."""
        name = f"shop/{order_id}"
        return sum(line.shipped for line in self.skus[sku].lines.values() if line.order == name)

    def replayed(self) -> dict[str, OrderState]:
        """The orders as a fold of the journal makes them."""
        from stockfold.orders.evolve import evolve  # noqa: PLC0415

        found: dict[str, OrderState] = {}
        for value in self.journal:
            entry = decode_order_entry(value)
            assert not hasattr(entry, "next_offsets")
            key = f"{entry.channel}|{entry.order}"
            state = found.setdefault(key, OrderState(entry.channel, entry.order))
            assert entry.seq == state.seq + 1
            evolve(state, entry.fact, entry.recorded_us)
        return found


def _answered(sku: str, fact: LedgerFact, line: LedgerLine) -> Answered:
    assert fact.change is not None
    assert fact.change.status is not None
    _, what, _, _, reason, _ = fact.change.status
    return Answered(
        sku,
        line.line,
        what,
        fact.seq,
        fact.cause.event_id,
        reason,
        line.reserved_units(),
        line.allocated_units(),
        line.backordered,
        line.shipped,
        tuple(line.reserved),
    )


def line(name: str, sku: str, quantity: int, **more: Any) -> Line:
    """A line of a SKU that is no kit."""
    parts = more.pop("parts", ((sku, 1),))
    return Line(name, sku, quantity, parts=parts, **more)
