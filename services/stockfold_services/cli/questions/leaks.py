"""``stockfold leaks``: what was begun and never ended; the events that end it, sent on request."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, cast

import msgspec
import typer
from rich.console import Console

from stockfold.client import Client, Event, events
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.explain.compensation import Choices, Disposition, Proposal, Remainder
from stockfold.explain.entry import Entry
from stockfold.explain.leaks import KINDS, Kind, Leak
from stockfold.explain.leaks import leaks as leaks_of
from stockfold.explain.open_book import Books
from stockfold.runtime.audit import audited
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.explain import origin
from stockfold_services.cli.questions.journal import journal_errors, sku_partitions
from stockfold_services.cli.questions.times import age_us

SOURCE = "/stockfold/leaks"


class Search(msgspec.Struct, frozen=True):
    """What is looked for. ``sku`` None looks at all."""

    before_us: int
    now_us: int
    kinds: Collection[str]
    choices: Choices
    sku: str | None


class Answer(msgspec.Struct):
    """The oldest leaks, and which state of the journal shows them."""

    leaks: list[Leak]
    total: int
    offsets: dict[int, int]
    asked_us: int

    def as_of(self) -> dict[str, object]:
        """Next journal offset by partition, and the age of the answer."""
        return {
            "offsets": {str(partition): end for partition, end in self.offsets.items()},
            "age_ms": max(SYSTEM_CLOCK.now_us() - self.asked_us, 0) // 1000,
        }


def leaks(
    older_than: Annotated[
        str, typer.Option(help="Nothing was told about it for so long: 30m, 12h, 14d.")
    ] = "14d",
    kind: Annotated[
        list[str] | None, typer.Option(help=f"Only {', '.join(KINDS)}. Repeatable.")
    ] = None,
    sku: Annotated[str | None, typer.Option(help="Only this SKU.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The oldest so many.")] = 1000,
    remainder: Annotated[
        str, typer.Option(help="Where the rest of a transfer goes: lost, returned_to_source.")
    ] = "lost",
    disposition: Annotated[
        str, typer.Option(help="What returns are taken for: damaged, scrapped, on_hand.")
    ] = "damaged",
    send: Annotated[bool, typer.Option("--send", help="Send the proposed events.")] = False,
    source: Annotated[
        str, typer.Option(help="The source that they are sent as; authorities apply to it.")
    ] = SOURCE,
    yes: Yes = False,
    dry_run: DryRun = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What was begun and never ended, with the event that would end it; --send sends them."""
    kinds = _kinds(kind)
    choices = Choices(_remainder(remainder), _disposition(disposition))
    now_us = SYSTEM_CLOCK.now_us()
    before_us = now_us - age_us(older_than, "--older-than")
    settings = attach(load(config))
    found = _find(settings, Search(before_us, now_us, kinds, choices, sku), limit)
    if not as_json:
        _print(found)
    sent = _send(settings, found.leaks, source, yes, dry_run) if send else None
    if as_json:
        told: dict[str, object] = {"leaks": found.leaks, "total": found.total}
        if sent is not None:
            told |= {"sent": sent, "dry_run": dry_run}
        print_json({**told, "as_of": found.as_of()})
    elif sent is not None:
        verb = "would be sent" if dry_run else "sent"
        Console(highlight=False).print(f"{len(sent)} events {verb} as {source}", markup=False)


def _kinds(chosen: list[str] | None) -> tuple[Kind, ...]:
    unknown = sorted(set(chosen or ()) - set(KINDS))
    if unknown:
        raise SettingsError(
            f"{unknown[0]!r} is no kind of leak", where="--kind", remedy=f"One of {KINDS}."
        )
    return cast("tuple[Kind, ...]", tuple(chosen)) if chosen else KINDS


def _remainder(text: str) -> Remainder:
    if text in {"lost", "returned_to_source"}:
        return cast("Remainder", text)
    raise SettingsError(
        f"{text!r} is no remainder", where="--remainder", remedy="lost or returned_to_source."
    )


def _disposition(text: str) -> Disposition:
    if text in {"damaged", "scrapped", "on_hand"}:
        return cast("Disposition", text)
    raise SettingsError(
        f"{text!r} is no disposition",
        where="--disposition",
        remedy="damaged, scrapped or on_hand.",
    )


def _find(settings: Settings, search: Search, limit: int) -> Answer:
    """Fold one journal partition after the other; only what is open is kept."""
    answer = Answer([], 0, {}, SYSTEM_CLOCK.now_us())
    with journal_errors(settings), Bars() as bars:
        partitions = range(sku_partitions(settings))
        if search.sku is not None:
            home = partition_of(search.sku.encode(), len(partitions))
            partitions = range(home, home + 1)
        reader = PartitionReader(settings)
        for partition in partitions:
            end = answer.offsets[partition] = reader.stable_end(JOURNAL, partition)
            bars.stage(f"journal partition {partition}", end)
            books = _books(reader, partition, end, search.sku, bars)
            found = [
                leak
                for book in books.skus.values()
                for leak in leaks_of(
                    book, search.before_us, search.now_us, search.kinds, search.choices
                )
            ]
            answer.total += len(found)
            oldest = sorted([*answer.leaks, *found], key=lambda leak: (leak.since, leak.sku))
            answer.leaks = oldest[:limit]
    return answer


def _books(reader: PartitionReader, partition: int, end: int, sku: str | None, bars: Bars) -> Books:
    books = Books()
    only = None if sku is None else sku.encode()
    for batch in reader.read(JOURNAL, partition, end=end):
        for record in batch:
            key = record.key()
            if key is None or (only is not None and key != only):
                continue
            fact = decode_entry(record.value())
            assert not isinstance(fact, Mark), "marks have no key"
            books.fold(Entry(fact, partition, record.offset()))
        bars.done(len(batch))
    return books


def _print(found: Answer) -> None:
    console = Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True, style=style)

    for leak in found.leaks:
        say(f"SKU {leak.sku}: {leak.sentence}.")
        say(f"    last told {leak.since:%Y-%m-%d}: {leak.last.what}; {origin(leak.last)}", "dim")
        say(f"    {leak.remedy}")
        if leak.proposal is not None:
            fields = ", ".join(f"{name} {value}" for name, value in leak.proposal.body.items())
            say(f"    ends it: {leak.proposal.type}, {fields}")
    told = "1 leak" if found.total == 1 else f"{found.total} leaks"
    if found.total > len(found.leaks):
        told += f", the oldest {len(found.leaks)} shown"
    say(f"{told}; {found.as_of()['age_ms']} ms old", "dim")


def _send(
    settings: Settings, found: list[Leak], source: str, yes: bool, dry_run: bool
) -> list[dict[str, object]]:
    """Send every proposal: all are checked before the first goes out."""
    proposals = [leak.proposal for leak in found if leak.proposal is not None]
    if not proposals:
        return []
    told: list[dict[str, object]] = [
        {"type": one.type, "event_id": one.event_id, "body": one.body} for one in proposals
    ]
    _deliver(settings, proposals, source, dry_run=True)
    if dry_run:
        return told
    confirm(f"{len(proposals)} events will be sent as {source}. Go on?", yes)
    with audited(
        settings,
        command="leaks",
        subject=f"{len(proposals)} compensating events",
        details={"source": source, "events": told},
    ) as result:
        _deliver(settings, proposals, source, dry_run=False)
        result["sent"] = len(proposals)
    return told


def _deliver(settings: Settings, proposals: list[Proposal], source: str, *, dry_run: bool) -> None:
    options = confluent_config(settings)
    client = Client(
        options["bootstrap.servers"],
        source,
        prefix=settings.prefix,
        options=options,
        dry_run=dry_run,
    )
    with client:
        for one in proposals:
            client.send(
                _event(one.type, one.body),
                occurred_at=datetime.now(UTC),
                event_id=one.event_id,
                correlation_id=one.event_id,
            )


def _event(kind: str, body: dict[str, object]) -> Event:
    return cast("Event", msgspec.convert(body, getattr(events, kind)))
