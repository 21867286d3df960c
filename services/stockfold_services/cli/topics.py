"""``stockfold topics``: the declared topics and the broker's."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.contracts.topics import DAY_MS, TOPICS, Topic
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka import TopicPlan, ensure_topics, partitions_of, plan_topics
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.repartition.run import Repartition

app = typer.Typer(help="Show and create the topics.", no_args_is_help=True)


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """The declared topics, and whether the broker has them so."""
    settings = attach(load(config))
    plan = plan_topics(settings) if settings.kafka.bootstrap else None
    entries = [_entry(settings, topic, plan) for topic in TOPICS]
    if as_json:
        print_json(entries)
        return
    columns = ("name", "partitions", "key", "retention", "owner", "state")
    print_table(columns, [[entry[column] for column in columns] for entry in entries])


def _entry(settings: Settings, topic: Topic, plan: TopicPlan | None) -> dict[str, object]:
    name = topic.full_name(settings.prefix)
    return {
        "name": name,
        "partitions": partitions_of(settings, topic),
        "key": topic.key,
        "retention": _retention(topic),
        "owner": topic.owner,
        "state": _state(name, plan),
        "schemas": list(topic.schemas),
        "doc": topic.doc,
    }


def _retention(topic: Topic) -> str:
    if topic.superseded_kept_ms:
        return f"latest per key, the one before {topic.superseded_kept_ms // DAY_MS} days"
    if topic.compacted:
        return "latest per key"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // DAY_MS} days"


def _state(name: str, plan: TopicPlan | None) -> str:
    if plan is None:
        return "unknown: no Kafka is set or running"
    if name in plan.missing:
        return "missing"
    drift = [line.removeprefix(f"{name}: ") for line in plan.drift if line.startswith(f"{name}: ")]
    return "drift: " + "; ".join(drift) if drift else "as declared"


@app.command()
def apply(
    config: ConfigFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Create what is missing and report drift. Nothing that exists is changed or destroyed."""
    settings = attach(load(config))
    plan = plan_topics(settings)
    created = [] if dry_run or not plan.missing else _create(settings, plan, yes=yes)
    if as_json:
        print_json({"missing": plan.missing, "created": created, "drift": plan.drift})
        return
    console = Console(highlight=False)
    verb, names = ("would create", plan.missing) if dry_run else ("created", created)
    for name in names:
        console.print(f"{verb} {name}", markup=False)
    for line in plan.drift:
        console.print(f"drift    {line}", markup=False)
    if not names and not plan.drift:
        console.print("every topic is as declared")


def _create(settings: Settings, plan: TopicPlan, *, yes: bool) -> list[str]:
    confirm(f"Create {len(plan.missing)} topics at {settings.kafka.bootstrap}?", yes)
    with audited(
        settings,
        command="topics apply",
        subject=f"{len(plan.missing)} topics",
        details={"missing": plan.missing},
    ):
        ensure_topics(settings)
    return plan.missing


@app.command()
def repartition(
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="Partitions by SKU.")],
    to_prefix: Annotated[str, typer.Option(help="Environment prefix of the copy.")],
    config: ConfigFile = None,
    dry_run: DryRun = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Delete an unfinished copy and begin anew.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Copy everything into another environment with another number of partitions.

    No SKU loses its order, and the copy is proved equal. Stop producers, ledger and availability
    before; nothing of this environment is changed. Run again, it carries over late inputs.
    """
    console = Console(highlight=False, stderr=True)
    settings = attach(load(config))
    work = Repartition(
        settings, to_prefix, partitions, lambda line: console.print(line, markup=False)
    )
    report = work.look()
    if not dry_run:
        confirm(f"Copy {report.from_prefix!r} to {to_prefix!r} ({report.stage}). Go on?", yes)
        with audited(
            settings,
            command="topics repartition",
            subject=f"copy {report.from_prefix!r} to {to_prefix!r}",
            details={"partitions": partitions, "restart": restart, "stage": report.stage},
        ) as result:
            report = work.run(restart=restart)
            result |= {"facts": report.facts, "late": report.late, "digest": report.digest}
    if as_json:
        print_json({"dry_run": dry_run, **msgspec.to_builtins(report)})
        return
    told = msgspec.to_builtins(report)
    told |= {f"records of {name}": count for name, count in told.pop("records").items() if count}
    print_table(("", ""), list(told.items()))
    if not dry_run:
        console.print(
            f'next: set environment.prefix = "{to_prefix}" and kafka.sku_partitions = {partitions} '
            "for services and producers, start them, and run this command once more for inputs "
            "that came late; the old topics are yours to delete",
            markup=False,
        )
