"""``stockfold archive`` and ``stockfold restore``: the topics to a folder or URL, and back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from types import FrameType
from typing import Annotated, Any

import msgspec
import typer
from confluent_kafka import KafkaException
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from stockfold.domain.errors import UnavailableError
from stockfold.domain.times import format_us
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.archiving import ARCHIVED
from stockfold_services.cli.archiving.restoring import Report, Restore, Told, steps
from stockfold_services.cli.archiving.target import COMMAND
from stockfold_services.cli.archiving.writing import Archiver, Pass
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.place import Place

Url = Annotated[str, typer.Option(help="A folder, or an fsspec URL such as s3://bucket/stock.")]


def archive(
    to: Url,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    every_s: Annotated[int, typer.Option(min=1, help="Seconds between passes.")] = 60,
    config: ConfigFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Archive what was committed since the last time: everything that nothing else can rebuild.

    Asks where no archive is yet; going on with one is not asked about.
    """
    settings = attach(load(config))
    with _kafka(settings, "archived"):
        place = Place(to)
        archiver = Archiver(settings, place, rests_s=every_s if follow else 0)
        if dry_run:
            found = archiver.look()
            if as_json:
                print_json({"dry_run": True, "new_offsets": found})
            else:
                print_table(("topic", "new offsets"), list(found.items()))
            return
        with closing(archiver):
            if archiver.begins:
                _begin(settings, archiver, place, yes=yes)
            if follow:
                _follow(archiver, every_s)
                return
            with _progress(dict.fromkeys((topic.name for topic in ARCHIVED), 0)) as told:
                done = archiver.run(told)
    _warn(done)
    if as_json:
        print_json(_told(archiver, done))
        return
    rows = [
        (topic.name, done.records.get(topic.name, 0), archiver.manifest.records(topic))
        for topic in ARCHIVED
    ]
    print_table(("topic", "new", "archived"), rows)
    Console(highlight=False).print(
        f"{archiver.manifest.bytes():,} bytes; recovery point {format_us(done.complete_to_us)}",
        markup=False,
    )


def _begin(settings: Settings, archiver: Archiver, place: Place, *, yes: bool) -> None:
    """Every record of the environment will be there: that is for somebody to say, and to find."""
    confirm(f"Begin an archive of the environment {settings.prefix!r} at {place.url}?", yes)
    with audited(
        settings,
        command="archive",
        subject=f"environment {settings.prefix!r}",
        details={"to": place.url},
    ):
        archiver.begin()


def _follow(archiver: Archiver, every_s: int) -> None:
    """Pass after pass; a broker or place that does not answer is tried again."""
    console = Console(stderr=True, highlight=False)
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    while not stop.is_set():
        try:
            done = archiver.run(lambda _topic, _count: None)
        except (UnavailableError, KafkaException) as error:
            console.print(f"again in {every_s} s: {error}", markup=False, soft_wrap=True)
        else:
            _warn(done)
            count = sum(done.records.values())
            point = format_us(done.complete_to_us)
            console.print(f"{count:,} new records; recovery point {point}", markup=False)
        stop.wait(every_s)


def _warn(done: Pass) -> None:
    console = Console(stderr=True, highlight=False)
    for place in done.lost:
        console.print(f"deleted by retention before it was archived: {place}", markup=False)


def _told(archiver: Archiver, done: Pass) -> dict[str, Any]:
    return {
        "recovery_point": format_us(done.complete_to_us),
        "new_records": done.records,
        "records": {topic.name: archiver.manifest.records(topic) for topic in ARCHIVED},
        "bytes": archiver.manifest.bytes(),
        "lost": done.lost,
    }


def restore(
    from_: Annotated[
        str, typer.Option("--from", help="The folder or URL that `stockfold archive` wrote.")
    ],
    config: ConfigFile = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Delete what an unfinished restore has left.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restore everything from an archive into this environment, which must be empty.

    Start no service and no producer before it has ended. The read model is made from the topics.
    """
    settings, place = attach(load(config)), Place(from_)
    with _kafka(settings, "restored"):
        report = Restore(settings, place, _silent).look(restart=restart)
    if not dry_run:
        where = f"{settings.prefix!r} at {settings.kafka.bootstrap}"
        what = f"{sum(report.records.values()):,} records of {report.archived_from!r}"
        confirm(f"Restore {what}, as of {report.recovery_point}, into {where}?", yes)
        with (
            audited(
                settings,
                command=COMMAND,
                subject=f"environment {settings.prefix!r}",
                details={"from": place.url, "recovery_point": report.recovery_point},
            ) as result,
            _kafka(settings, "restored"),
            _progress(steps(report)) as told,
        ):
            report = Restore(settings, place, told).run(report)
            result["records"] = sum(report.records.values())
            result |= {n: getattr(report, n) for n in ("facts", "skus", "digest", "seconds")}
    _print(report, dry_run=dry_run, as_json=as_json)


def _print(report: Report, *, dry_run: bool, as_json: bool) -> None:
    told = msgspec.to_builtins(report)
    if as_json:
        print_json({"dry_run": dry_run, **told})
        return
    told |= {f"records of {name}": count for name, count in told.pop("records").items()}
    print_table(("", ""), list(told.items()))
    if not dry_run:
        Console(highlight=False).print(
            f"restored in {report.seconds:.1f} s; what was committed after "
            f"{report.recovery_point} may be missing: have producers send it again, repeats are "
            "recognized",
            markup=False,
        )


def _kafka(settings: Settings, what: str) -> AbstractContextManager[None]:
    return kafka_errors(
        f"not everything was {what}",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then run it again.",
    )


def _silent(topic: str, count: int) -> None:
    del topic, count


@contextmanager
def _progress(totals: Mapping[str, int]) -> Iterator[Told]:
    """Progress on standard error, when a person is looking."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with progress:
        tasks = {
            name: progress.add_task(name, total=total or None) for name, total in totals.items()
        }
        yield lambda topic, count: progress.advance(tasks[topic], count)
