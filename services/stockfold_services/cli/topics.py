"""``stockfold topics``: the declared topics and the broker's."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.contracts.topics import TOPICS, Topic
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka import TopicPlan, ensure_topics, partitions_of, plan_topics
from stockfold.runtime.settings import Settings, load
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
    if topic.compacted:
        return "latest per key"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // 86_400_000} days"


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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create what is missing and report drift. Nothing that exists is changed or destroyed."""
    settings = attach(load(config))
    plan = plan_topics(settings)
    created = [] if dry_run else ensure_topics(settings)
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


@app.command()
def repartition(
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="Partitions by SKU.")],
    to_prefix: Annotated[str, typer.Option(help="Environment prefix of the copy.")],
    config: ConfigFile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Delete an unfinished copy and begin anew.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy everything into another environment with another number of partitions.

    No SKU loses its order, and the copy is proved equal. Stop producers, ledger and availability
    before; nothing of this environment is changed. Run again, it carries over late inputs.
    """
    console = Console(highlight=False, stderr=True)
    work = Repartition(
        attach(load(config)), to_prefix, partitions, lambda line: console.print(line, markup=False)
    )
    report = work.look()
    if not dry_run:
        if not yes:
            question = f"Copy {report.from_prefix!r} to {to_prefix!r} ({report.stage}). Go on?"
            typer.confirm(question, abort=True, err=True)
        report = work.run(restart=restart)
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
