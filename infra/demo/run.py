"""The demo from its start to its proof."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import msgspec
from infra.demo import expected, marker, shops
from infra.demo.dataset import read_lines
from infra.demo.derivation import World, derive
from infra.demo.feed import Feed, Pace
from infra.demo.plan import Plan, channels_of, settings_of
from infra.demo.proof import COMPLETE_UNTIL_SQL, Comparison, Proof, ReadModel
from infra.demo.screen import Screen
from infra.demo.telling import tell
from infra.demo.waiting import Inputs, until, visible_at
from tests.support.woo_shop import ShopServer

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.embedded.folder import DataFolder
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy import publish_policies
from stockfold_services.cli.running import Stockfold

STILL_S_MAX = 60.0
TELL_EVERY_S = 0.5
SETTLE_S_MAX = 30.0


@dataclass(slots=True)
class Report:
    """What came of it."""

    comparisons: list[Comparison] = field(default_factory=list)
    cases: dict[str, int] = field(default_factory=dict)
    exceptions: dict[str, int] = field(default_factory=dict)
    pace: Pace = field(default_factory=Pace)
    events: int = 0
    seconds: float = 0.0
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not any(comparison.differ for comparison in self.comparisons)


@dataclass(slots=True)
class Demo:
    """A running demo: everything up, fed and compared. ``running`` is made by ``started``."""

    plan: Plan
    screen: Screen
    world: World
    proof: Proof
    running: Stockfold
    servers: dict[str, ShopServer]

    def report(self) -> Report:
        """Feed what is not fed, let it drain, compare."""
        began = time.monotonic()
        settings = self.running.settings
        publish_policies(settings)
        inputs = Inputs(settings)
        try:
            pace = self._feed(inputs)
            events = inputs.ends()
            self._drain(inputs, events)
        finally:
            inputs.close()
        model = ReadModel(settings)
        self._wait_for_read_model(model)
        comparisons = self._compare(model)
        return Report(
            comparisons,
            expected.cases(self.world),
            expected.exceptions(self.world),
            pace,
            events,
            time.monotonic() - began,
            self._addresses(settings),
        )

    def _rest(self, seconds: float) -> None:
        """Wait a moment; raises when the services cannot be kept running."""
        if self.running.wait(seconds):
            raise UnavailableError("the services ended", remedy="Read their logs.")

    # Feeding.

    def _feed(self, inputs: Inputs) -> Pace:
        path = self.plan.marker
        at = marker.read(path, self.plan.lines_count, self.plan.seed)
        there = inputs.ends()
        if not there:
            at = marker.Marker(marker.RULE, at.lines, at.seed)  # The log is new, whatever was.
        elif not path.exists():
            raise SettingsError(
                f"the data folder holds {there} events that this demo did not send",
                where=str(self.plan.folder),
                remedy="Remove that folder, or take another with --data-dir.",
            )
        marker.write(path, at)
        if at.complete:
            self.screen.say(f"{there:,} events are there from an earlier run; nothing to send")
            return Pace()
        start, fed, told_s = (at.wave, at.step), 0, 0.0

        def step_done(wave: int, step: int) -> None:
            marker.write(path, msgspec.structs.replace(at, wave=wave, step=step + 1))

        def sent(count: int) -> None:
            nonlocal fed, told_s
            fed += count
            if time.monotonic() - told_s > TELL_EVERY_S:
                told_s = time.monotonic()
                self.screen.moved(f"{fed:,} events sent, the ledger has read {inputs.read():,}")

        with self.screen.progress("feeding"):
            steps = (step for step in tell(self.world, at.wave) if step[:2] >= start)
            pace = Feed(self.running.settings, lambda: self._rest(0)).run(steps, sent, step_done)
        marker.write(path, msgspec.structs.replace(at, complete=True))
        self.screen.say(f"{pace.events:,} events sent, {pace.per_second:,} a second")
        return pace

    # Waiting.

    def _drain(self, inputs: Inputs, events: int) -> None:
        def look() -> tuple[bool, object]:
            read = inputs.read()
            self.screen.moved(f"{read:,} of {events:,} events", read, events)
            return read >= events, read

        began = time.monotonic()
        with self.screen.progress("the ledger reads"):
            done, read = until(look, self._rest, STILL_S_MAX)
        if not done:
            raise UnavailableError(
                f"the ledger has stood still at {read} of {events} events for {STILL_S_MAX:.0f} s",
                where=str(self.plan.folder / "logs" / "ledger.log"),
                remedy="Read its log; start again to go on from there.",
            )
        self.screen.say(f"the ledger has read {events:,} events{_after(began)}")

    def _wait_for_read_model(self, model: ReadModel) -> None:
        visible = visible_at(self.running.settings)

        def look() -> tuple[bool, object]:
            seen = model.value(COMPLETE_UNTIL_SQL)
            left = model.value("SELECT sum(next_offset)::bigint FROM freshness")
            return seen is not None and float(seen) > visible, (left,)

        began = time.monotonic()
        with self.screen.progress("the read model follows"):
            done, seen = until(look, self._rest, STILL_S_MAX)
        if not done:
            raise UnavailableError(
                f"the read model has stood still for {STILL_S_MAX:.0f} s at {seen}",
                where=str(self.plan.folder / "logs" / "services.log"),
                remedy="Read the log; start again to go on from there.",
            )
        self.screen.say(f"the read model holds all of it{_after(began)}")

    # Comparing.

    def _compare(self, model: ReadModel) -> list[Comparison]:
        published: list[Comparison] = []

        def look() -> tuple[bool, object]:
            both = [self.proof.published(model), self.proof.shown(self._stocks())]
            published[:] = both
            written = [server.shop.stats.items_written for server in self.servers.values()]
            return not any(c.differ for c in both), ([c.differ for c in both], written)

        began = time.monotonic()
        with self.screen.progress("the shops follow"):
            settled, _ = until(look, self._rest, SETTLE_S_MAX)
        if settled:
            self.screen.say(f"the shops show what they should{_after(began)}")
        began = time.monotonic()
        with self.screen.progress("comparing"):
            numbers = self.proof.numbers(model)
        self.screen.say(f"compared{_after(began)}")
        return [*numbers, *published]

    def _stocks(self) -> dict[str, dict[str, int | None]]:
        return {name: server.shop.stock() for name, server in self.servers.items()}

    def _addresses(self, settings: Settings) -> dict[str, str]:
        api = f"http://{settings.api.host}:{settings.api.port}"
        sku = self.proof.skus[0]
        return {
            "dashboard": f"{api}/",
            "API": f"{api}/docs",
            "one SKU": f"{api}/v1/skus/{sku}",
            **{f"shop {name}": f"{s.url}/_shop/stock" for name, s in self.servers.items()},
            "logs": str(self.plan.folder / "logs"),
        }


@contextmanager
def started(plan: Plan, screen: Screen) -> Iterator[Demo]:
    """Everything started, nothing fed yet; all of it stops on leaving."""
    with ExitStack() as stack:
        # Held before anything is touched: another demo may be running on the folder.
        stack.enter_context(DataFolder(plan.folder / "demo"))
        marker.read(plan.marker, plan.lines_count, plan.seed)
        with screen.progress("reading the order lines"):
            world = derive(read_lines(plan.lines), plan.seed)
            channels = channels_of(world)
            proof = Proof(world, channels)
        screen.say(
            f"{plan.lines_count:,} order lines of 2017: {len(proof.skus):,} SKUs at "
            f"{proof.positions['location'].n_unique():,} locations"
        )
        names = [channel.name for channel in channels]
        servers = stack.enter_context(shops.serve(names, plan.folder / "demo", proof.skus))
        settings = settings_of(plan, world, channels, servers)
        began = time.monotonic()
        with screen.progress("starting Kafka, PostgreSQL and the services"):
            running = stack.enter_context(Stockfold(settings, log_folder=plan.folder / "logs"))
        screen.say(f"started in {time.monotonic() - began:.1f} s")
        yield Demo(plan, screen, world, proof, running, servers)


def _after(began_s: float) -> str:
    """Such as ``, after 1.2 s``."""
    return f", after {time.monotonic() - began_s:.1f} s"
