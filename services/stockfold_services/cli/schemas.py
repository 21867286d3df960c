"""``stockfold schemas``: what events look like, and whether a change keeps what was promised."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stockfold.contracts import asyncapi as asyncapi_document
from stockfold.contracts.compatibility import record_in, type_name
from stockfold.contracts.house_rules import broken_rules
from stockfold.contracts.payloads import payloads as example_payloads
from stockfold.contracts.registry import Schema, default_registry
from stockfold.contracts.releases import Finding, locked, release
from stockfold.contracts.releases import check as check_schemas
from stockfold.contracts.topics import TOPICS
from stockfold.domain.errors import ContractError, SettingsError
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.registry import open_remote
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.schema_sources import schemas_folder, versions_at

app = typer.Typer(help="Show, check and release the schemas of events.", no_args_is_help=True)

_TOPIC_OF = {name: topic.name for topic in TOPICS for name in topic.schemas}

Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="The schemas' folder. Default: the one stockfold runs with."),
]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every event and record: its newest version, its id, and the topic it belongs on."""
    newest = {schema.name: schema for schema in default_registry().all()}
    entries = [
        {
            "name": schema.name,
            "id": schema.id,
            "version": schema.version,
            "topic": _TOPIC_OF.get(schema.name, ""),
            "doc": schema.definition["doc"],
        }
        for schema in newest.values()
    ]
    if as_json:
        print_json(entries)
        return
    columns = ("name", "id", "version", "topic", "doc")
    print_table(columns, [[entry[column] for column in columns] for entry in entries])


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A name, such as GoodsReceived.")],
    version: Annotated[
        int | None, typer.Option(help="A released version. Default: the newest.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the Avro schema instead of a table.")
    ] = False,
) -> None:
    """The fields of an event: type, default, example and meaning."""
    schema = _chosen(name, version)
    if as_json:
        print_json(schema.definition)
        return
    console = Console(highlight=False)
    console.print(
        f"{schema.name}, version {schema.version}, id {schema.id}", style="bold", markup=False
    )
    topic = _TOPIC_OF.get(schema.name)
    doc = schema.definition["doc"]
    console.print(doc if topic is None else f"{doc} Topic: {topic}.", markup=False)
    print_table(("field", "type", "default", "example", "meaning"), list(_rows(schema.definition)))


def _chosen(name: str, version: int | None) -> Schema:
    full = name if name.startswith("stockfold.") else f"stockfold.{name}"
    registry = default_registry()
    newest = registry.by_name(full)
    if version is None:
        return newest
    versions = registry.versions(full)
    if not 1 <= version <= len(versions):
        raise ContractError(
            "unknown_schema",
            f"{full} has no version {version}",
            remedy=f"It has the versions 1 to {len(versions)}.",
        )
    return versions[version - 1]


def _rows(record: Any, prefix: str = "") -> list[tuple[str, str, str, str, str]]:
    rows = []
    for field in record["fields"]:
        place = f"{prefix}{field['name']}"
        default = _json(field["default"]) if "default" in field else "required"
        example = _json(field["example"]) if "example" in field else ""
        rows.append((place, type_name(field["type"]), default, example, field["doc"]))
        inner = record_in(field["type"])
        if inner is not None:
            rows += _rows(inner, f"{place}.")
    return rows


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@app.command()
def check(
    against: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|GITREF",
            help="Schemas that a change must fit: a folder, or a git reference such as v0.1.0. "
            "Default: the released ones.",
        ),
    ] = None,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a change that would break what was promised to a producer or a reader.

    Fully transitive: the newest schema of a name must read, and be read by, every version of it.
    """
    here = schemas_folder(folder)
    older = None if against is None else versions_at(against, here)
    findings = [*check_schemas(here, older), *broken_rules(locked(here))]
    if as_json:
        print_json({"valid": not findings, "findings": [_told(finding) for finding in findings]})
    elif findings:
        for finding in findings:
            _print(finding)
    else:
        count = len({schema.name for schema in locked(here)})
        typer.echo(f"{count} schemas keep what was promised")
    if findings:
        raise typer.Exit(ContractError.exit_code)


def _told(finding: Finding) -> dict[str, str]:
    return {
        "schema": finding.schema,
        "field": finding.field,
        "reason": finding.reason,
        "remedy": finding.remedy,
    }


def _print(finding: Finding) -> None:
    place = f"{finding.schema}, field {finding.field}" if finding.field else finding.schema
    console = Console(stderr=True, highlight=False)
    console.print(f"{place}: {finding.reason}", style="bold red", markup=False, soft_wrap=True)
    console.print(f"  to do: {finding.remedy}", markup=False, soft_wrap=True)


@app.command("release")
def release_(folder: Folder = None, as_json: AsJson = False) -> None:
    """Give new and changed schemas their ids and keep copies; refuses an incompatible change."""
    done = release(schemas_folder(folder))
    if as_json:
        print_json([{"id": version.id, "name": version.name} for version in done])
        return
    for version in done:
        typer.echo(f"released {version.name} as id {version.id}")
    if not done:
        typer.echo("nothing to release: every schema is as it was released")


@app.command()
def register(
    config: ConfigFile = None, dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Register every version of every schema with the registry of the settings."""
    settings = attach(load(config))
    schemas = default_registry().all()
    remote = open_remote(settings)
    try:
        ids: list[int | None] = [None] * len(schemas)
        if not dry_run:
            confirm(f"Register {len(schemas)} schemas with {settings.registry.url}?", yes)
            with _written_down(settings, len(schemas)):
                ids = [remote.register(schema.definition) for schema in schemas]
    finally:
        remote.close()
    entries = [
        {"name": s.name, "version": s.version, "id": s.id, "registry_id": registry_id}
        for s, registry_id in zip(schemas, ids, strict=True)
    ]
    if as_json:
        print_json(entries)
        return
    columns = ("name", "version", "id", "registry_id")
    print_table(columns, [[entry[column] for column in columns] for entry in entries])


def _written_down(settings: Settings, count: int) -> AbstractContextManager[object]:
    """The audit of it, where there is a Kafka to keep one."""
    if settings.kafka.bootstrap is None:
        return nullcontext()
    return audited(
        settings,
        command="schemas register",
        subject=f"{count} schemas",
        details={"registry": settings.registry.url},
    )


@app.command()
def asyncapi(
    out: Annotated[
        Path | None, typer.Option(help="Write it to this file. Default: standard output.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="Only see that this file is what would be written.")
    ] = None,
) -> None:
    """The AsyncAPI 3 document of the topics and schemas."""
    text = asyncapi_document.text()
    if check is not None:
        if not check.exists() or check.read_text("utf-8") != text:
            raise SettingsError(
                "the AsyncAPI document is not fresh",
                where=str(check),
                remedy=f"Run: stockfold schemas asyncapi --out {check}",
            )
        typer.echo(f"{check} is fresh")
    elif out is not None:
        out.write_text(text, "utf-8")
        typer.echo(f"written: {out}")
    else:
        typer.echo(text, nl=False)


@app.command()
def payloads(
    event_type: Annotated[
        str, typer.Option("--type", help="Only of this event type, such as GoodsReceived.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write them below this folder, as JSON and Avro.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Example events: valid, on the edge, and invalid with the exception that they cause."""
    entries = []
    for payload in example_payloads(event_type.removeprefix("stockfold.")):
        avro = payload.avro()
        if out is not None:
            folder = out / payload.event_type / payload.group
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{payload.name}.json").write_bytes(payload.raw)
            if avro is not None:
                (folder / f"{payload.name}.avro").write_bytes(avro)
        entries.append(
            {
                "type": payload.event_type,
                "group": payload.group,
                "name": payload.name,
                "kind": payload.kind,
                "avro": "yes" if avro is not None else "",
            }
        )
    if as_json:
        print_json(entries)
        return
    columns = ("type", "group", "name", "kind", "avro")
    print_table(columns, [[entry[column] for column in columns] for entry in entries])
