"""How a connection is steered between what a person says and what its guards find."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import pytest

from stockfold.channels import Outcome, OutcomeKind, Shown, StockUpdate
from stockfold.channels.port import Observed
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import CHANNEL_CONTROL
from stockfold.runtime.channel_control import Baseline, Control, said
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.shop_guards_settings import ShopGuardsSettings
from stockfold_services.publisher.baselines import Baselines
from stockfold_services.publisher.gate import Gate
from stockfold_services.publisher.guards import Guards
from stockfold_services.publisher.mode import Mode
from stockfold_services.publisher.steering import Steering
from stockfold_services.publisher.wanted import Wanted

SKUS = [f"S{number}" for number in range(40)]


class Store:
    """Where baselines are kept."""

    def __init__(self) -> None:
        self.kept: list[Baseline] = []

    async def keep(self, baselines: Sequence[tuple[int, Baseline]]) -> None:
        self.kept += [baseline for _, baseline in baselines]


class Channel:
    """A channel with its topic of controls in memory."""

    def __init__(self, mode: str = "live") -> None:
        self.mode = Mode(mode)  # type: ignore[arg-type]
        self.gate = Gate("woo")
        self.store = Store()
        self.said = Control("woo")
        self.published: list[Control] = []
        self.stale_s = 0.0
        self.start()

    def start(self) -> None:
        """Begin anew, with the baselines that are on record."""
        self.baselines = Baselines("woo", lambda _: self.store.kept, self.store, SYSTEM_CLOCK)
        guards = Guards(ShopGuardsSettings())
        self.steering = Steering(
            self.gate,
            guards,
            self.baselines,
            self.mode,
            self.publish,
            SYSTEM_CLOCK,
            lambda: self.stale_s,
        )

    async def publish(self, control: Control) -> None:
        self.published.append(control)
        self.tell(control)

    def tell(self, control: Control) -> None:
        value = encode("stockfold.ChannelControl", msgspec.structs.asdict(control))
        key = control.key.encode()
        self.gate.apply(LoopRecord(CHANNEL_CONTROL.name, 0, 0, 0, key, value))

    def say(self, state: str, approved_to: Sequence[int] = ()) -> None:
        self.said = said(self.gate.control, state, "", "anna", approved_to)  # type: ignore[arg-type]
        self.tell(self.said)

    async def offer(self, quantities: dict[str, int], offset: int = 0) -> None:
        """These are wanted, and the shop was seen to show 7 of each before."""
        for sku, quantity in quantities.items():
            self.steering.wants(Wanted(sku, quantity, 1, 0, offset), quantity)
        await self.steering.observed([Observed(sku, 7) for sku in quantities], lambda _: 0)

    def passing(self, quantities: dict[str, int]) -> list[str]:
        due = [StockUpdate(sku, quantity, 1) for sku, quantity in quantities.items()]
        return [u.sku for u in self.steering.passing(due, lambda update: update.quantity)]

    async def watched(self) -> None:
        """Let the steering look once or twice."""
        task = asyncio.create_task(self.steering.watch(lambda: None))
        await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_zeros_that_nobody_has_looked_up_go_first_and_alone() -> None:
    channel = Channel()
    wanted = {"S0": 0, "S1": 0, "S2": 5}
    assert channel.passing(wanted) == ["S0", "S1"]
    await channel.offer(wanted)
    assert channel.passing(wanted) == ["S0", "S1", "S2"]


async def test_a_guard_stops_the_sending_before_the_halt_is_on_record() -> None:
    channel = Channel()
    flood = dict.fromkeys(SKUS, 0)
    await channel.offer(flood)
    assert channel.passing({**flood, "T": 5}) == []
    assert channel.published == []
    assert channel.steering.waits
    await channel.watched()
    (halt,) = channel.published
    assert (halt.state, halt.guard, halt.follows) == ("halted", "zeros", "")
    channel.start()
    assert channel.steering.waits, "whoever starts later finds it"


async def test_resuming_lets_go_what_was_asked_about() -> None:
    channel = Channel()
    flood = dict.fromkeys(SKUS, 0)
    await channel.offer(flood)
    channel.passing(flood)
    await channel.watched()
    channel.say("running")
    assert channel.passing(flood) == SKUS
    assert not channel.steering.waits


async def test_what_was_looked_at_is_not_asked_about_after_a_restart_and_what_is_new_is() -> None:
    channel = Channel()
    channel.say("running", approved_to=[100])
    channel.start()
    flood = dict.fromkeys(SKUS, 0)
    await channel.offer(flood, offset=99)
    assert channel.passing(flood) == SKUS
    channel.start()
    await channel.offer(flood, offset=100)
    assert channel.passing(flood) == []


async def test_what_was_applied_without_an_echo_counts_as_shown() -> None:
    channel = Channel()
    flood = dict.fromkeys(SKUS, 0)
    for sku in SKUS:
        channel.steering.wants(Wanted(sku, 7, 1, 0, 0), 7)
    await channel.steering.observed([Observed(sku, 0) for sku in SKUS], lambda _: 0)
    written = [Outcome(StockUpdate(sku, 7, 1), OutcomeKind.APPLIED) for sku in SKUS]
    channel.steering.applied(written, lambda update: Shown(update.quantity))
    for sku in SKUS:
        channel.steering.wants(Wanted(sku, 0, 2, 0, 1), 0)
    assert channel.passing(flood) == []


async def test_upstream_that_stands_still_halts() -> None:
    channel = Channel()
    await channel.offer({"S0": 5})
    assert channel.passing({"S0": 5}) == ["S0"]
    channel.stale_s = 901.0
    assert channel.passing({"S0": 5}) == []
    await channel.watched()
    assert [halt.guard for halt in channel.published] == ["upstream"]


@pytest.mark.parametrize("state", ["zeroed", "restored"])
async def test_an_order_turns_the_connection_round_and_a_pause_does_not(state: str) -> None:
    channel = Channel()
    channel.say("paused")
    assert channel.passing({"S0": 5}) == []
    assert not channel.steering.turned.is_set()
    channel.say(state)
    assert channel.passing({"S0": 5}) == [], "nothing more is sent on the old course"
    assert channel.steering.turned.is_set()


async def test_the_first_reading_of_a_listing_is_its_baseline_and_no_echo_or_later_one_is() -> None:
    channel = Channel()
    await channel.steering.observed([Observed("A", 7), Observed("B", 3, written=3)], lambda _: 0)
    await channel.steering.observed([Observed("A", 5), Observed("B", 3)], lambda _: 0)
    assert [(one.sku, one.quantity) for one in channel.store.kept] == [("A", 7), ("B", 3)]
    channel.start()
    await channel.steering.load()
    await channel.steering.observed([Observed("A", 1)], lambda _: 0)
    assert len(channel.store.kept) == 2


async def test_a_shadow_counts_nothing() -> None:
    channel = Channel("shadow")
    flood = dict.fromkeys(SKUS, 0)
    await channel.offer(flood)
    channel.passing(flood)
    await channel.watched()
    assert channel.published == []
