"""What a person or a guard has said of the channel holds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stockfold.channels import OutcomeKind, Purpose
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import CHANNEL_CONTROL
from stockfold.runtime.channel_control import Baseline, Control
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.shop_guards_settings import ShopGuardsSettings
from stockfold_services.publisher.baselines import Baselines
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NAME, Stage, few, see
from stockfold_services.publisher.gate import Gate
from stockfold_services.publisher.guards import Guards
from stockfold_services.publisher.mode import ALL, Mode
from stockfold_services.publisher.steering import Steering

MANY = 60
AFTER_S = 900.0


async def shadow(stage: Stage) -> None:
    """In mode shadow, with listings that show something else."""
    skus = stage.listed(30, 1)
    stage.publish_all(skus, 5)
    async with stage.connected(mode=Mode("shadow")):
        await stage.settled()
        await stage.later(AFTER_S)
    writes = stage.requests(Purpose.WRITE)
    see(not writes, f"{len(writes)} writes were made in shadow")
    see(not len(stage.subject.writes), f"in shadow was written: {few(stage.subject.writes)}")
    kinds = {stage.outcome(sku).kind for sku in skus}
    see(kinds == {OutcomeKind.SHADOW}, f"told as {few([kind.value for kind in kinds])}")


async def canary(stage: Stage) -> None:
    """In mode canary, of two SKUs."""
    skus = stage.listed(30, 1)
    stage.publish_all(skus, 5)
    async with stage.connected(mode=Mode("canary", frozenset(skus[:2]))):
        await stage.settled()
    written = {sku for sku, _ in stage.subject.writes}
    see(written == set(skus[:2]), f"written were {few(sorted(written))}")


async def first_load(stage: Stage) -> None:
    """The first thing that is ever published would empty the channel."""
    skus = stage.listed(MANY, 7)
    book = _Book(stage)
    async with stage.connected(steering=book.steering):
        await _halts(stage, book, skus)


async def halt(stage: Stage) -> None:
    """A feed breaks, and wants zero of everything that sells."""
    skus = stage.listed(MANY)
    book = _Book(stage)
    stage.publish_all(skus, 7)
    async with stage.connected(steering=book.steering):
        await stage.ends_right()
        await _halts(stage, book, skus)


async def _halts(stage: Stage, book: _Book, skus: Sequence[str]) -> None:
    """Of the zeros few go out, and nothing else does once the guard has halted the channel."""
    stage.publish_all(skus, 0)
    limit = ShopGuardsSettings().listings_min + stage.adapter.requests_in_flight_max

    def emptied() -> int:
        return sum(stage.subject.shows(sku) == 0 for sku in skus)

    await stage.until(lambda: bool(book.halts) or emptied() > limit, "halt by a guard", 3_600.0)
    why = "the guard goes by what the adapter's answers tell as observed before a first write"
    see(emptied() <= limit, f"{emptied()} of {MANY} were emptied; {why}")
    (other,) = stage.listed(1, 7, "OTHER-")
    stage.publish(other, 5)
    await stage.later(AFTER_S)
    see(emptied() <= limit, f"{emptied()} of {MANY} were emptied after the halt; {why}")
    see(not stage.written(other), f"{stage.written(other)} was written after the halt")


class _Book:
    """Controls and baselines of the channel, in memory."""

    def __init__(self, stage: Stage) -> None:
        self.halts: list[Control] = []
        self._kept: list[Baseline] = []
        self._gate = Gate(NAME)
        self.steering = Steering(
            self._gate,
            Guards(ShopGuardsSettings()),
            Baselines(NAME, lambda _: list(self._kept), self, stage.clock),
            ALL,
            self._publish,
            stage.clock,
        )

    async def keep(self, baselines: Sequence[tuple[int, Baseline]]) -> None:
        """See ``BaselineStore.keep``."""
        self._kept += [baseline for _, baseline in baselines]

    async def _publish(self, control: Control) -> None:
        self.halts.append(control)
        value = encode("stockfold.ChannelControl", msgspec.structs.asdict(control))
        self._gate.apply(LoopRecord(CHANNEL_CONTROL.name, 0, 0, 0, control.key.encode(), value))


SCENARIOS = (
    Scenario("shadow", "In shadow nothing is written", shadow),
    Scenario("canary", "A canary writes its SKUs alone", canary),
    Scenario("first-load", "A first load that would empty the channel halts", first_load),
    Scenario("guard", "A feed that would empty the channel halts it, and nothing follows", halt),
)
