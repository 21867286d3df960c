"""``stockfold topics``: the declared topics and the broker's."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from stockfold.contracts.topics import TOPICS, Topic
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka import TopicPlan, ensure_topics, partitions_of, plan_topics
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

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
