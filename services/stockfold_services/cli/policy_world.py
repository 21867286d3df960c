"""What policies are checked and planned against: policies in force, reference data, stock."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import track

from stockfold.availability.fitness import Problem
from stockfold.availability.policy import Policy
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import Places
from stockfold.contracts.reference import decode_reference
from stockfold.contracts.topics import REFERENCE, SCHEDULE
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Location
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.availability.memory import PartitionMemory
from stockfold_services.availability.places import PlaceBook
from stockfold_services.availability.scheduler import Scheduler
from stockfold_services.cli.policy_compare import compare
from stockfold_services.cli.policy_known import Known, bases_of
from stockfold_services.cli.policy_overlaps import fenced_anew, refusals
from stockfold_services.cli.policy_plan import Plan, Planner
from stockfold_services.cli.policy_publish import policies_in_force
from stockfold_services.cli.questions.journal import sku_partitions

LISTED = "the locations of [[locations]] and of the reference data"


class World:
    """Read from the topics of a running environment. UnavailableError when the broker is away."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.in_force = policies_in_force(settings)
        self._places = PlaceBook()
        self._scheduler = Scheduler()
        self._locations = {location.name for location in settings.locations}
        with kafka_errors(
            "the reference data and the schedule were not read",
            where=f"{REFERENCE.full_name(settings.prefix)} at {settings.kafka.bootstrap}",
            remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
        ):
            reader = PartitionReader(settings)
            for batch in reader.read(REFERENCE, 0):
                self._places.apply(batch)
                self._scheduler.take_reference(batch)
                for record in batch:
                    self._note(record.value(), record.key())
            for batch in reader.read(SCHEDULE, 0):
                self._scheduler.apply(batch)

    def _note(self, value: bytes | None, key: bytes | None) -> None:
        try:
            known = decode_reference(value, key) if value is not None else None
        except ContractError:
            return  # The services say so; the record before stays in force.
        if isinstance(known, Location) and known.active:
            self._locations.add(known.location)

    @property
    def places(self) -> Places:
        """Which locations carry which tags."""
        return self._places.places

    def known(self, *, overlaps: bool) -> Known:
        """What policies may refer to; ``overlaps``: and whether fences can all be met."""
        return Known(
            sorted(self._locations),
            LISTED,
            sorted(self.places.tagged),
            bases_of(self._settings),
            self._overlaps if overlaps else lambda _: (),
        )

    def plan(self, wanted: list[Policy], largest: int) -> Plan:
        """What every channel's numbers would become. Reads the positions."""
        changed = [
            p for p, outcome in compare(wanted, self.in_force) if outcome.action != "unchanged"
        ]
        times = Times(SYSTEM_CLOCK.now_us(), self._scheduler.times.silent)
        planner = Planner(self.in_force, changed, self.places, times, largest)
        with kafka_errors(
            "the positions were not read",
            where=f"Kafka at {self._settings.kafka.bootstrap}",
            remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
        ):
            for memory in self._stock():
                planner.take(memory.skus.values(), memory.kits.needed_by)
        return planner.plan()

    def _stock(self) -> Iterator[PartitionMemory]:
        """Every partition's positions, categories and kits; with progress when a person looks."""
        console = Console(stderr=True)
        reader = PartitionReader(self._settings)
        partitions = sku_partitions(self._settings)
        for number in track(
            range(partitions),
            "reading positions",
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ):
            yield PartitionMemory.recover(number, partitions, reader)

    def _overlaps(self, wanted: list[Policy]) -> Iterator[tuple[int, Problem]]:
        """Fences of changed policies that cannot all be met of the stock there is today."""
        if fenced_anew(wanted, self.in_force):
            yield from refusals(wanted, self.in_force, self.plan(wanted, 0).overlaps)
