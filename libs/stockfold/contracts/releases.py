"""Released schemas: what was promised to producers and readers, and can never be taken back.

``schemas.lock.json`` gives every schema its id. ``released/`` beside it holds a copy of every
schema that was released, by id, and ``released/index.json`` their fingerprints. A working schema
may change as long as it reads, and is read by, every released version of its name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stockfold.contracts.compatibility import changed_defaults, unreadable
from stockfold.domain.errors import ContractError

Json = Any

LOCK = "schemas.lock.json"
RELEASED = "released"
INDEX = "index.json"
_SPOKEN = frozenset({"doc", "example"})
_RELEASE = "Run `stockfold schemas release`: it gives the change an id of its own."


@dataclass(frozen=True, slots=True)
class Version:
    """One schema of a name. ``label`` says for people which one it is."""

    id: int
    name: str
    file: str
    definition: Json
    label: str = ""

    @property
    def fingerprint(self) -> str:
        """See ``fingerprint``."""
        return fingerprint(self.definition)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a schema cannot stay as it is."""

    schema: str
    field: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.schema}, field {self.field}" if self.field else self.schema
        return f"{place}: {self.reason}. {self.remedy}"


def fingerprint(definition: Json) -> str:
    """SHA-256 of everything in a schema but its prose."""
    said = json.dumps(_silent(definition), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def _silent(node: Json) -> Json:
    if isinstance(node, dict):
        return {key: _silent(value) for key, value in node.items() if key not in _SPOKEN}
    return [_silent(item) for item in node] if isinstance(node, list) else node


def read_json(path: Path) -> Json:
    """A JSON file; ContractError names the file that is missing or is none."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError(
            "unreadable_schema",
            f"a schema file cannot be read: {error}",
            where=str(path),
            remedy="Restore it from version control.",
        ) from error


def locked(folder: Path) -> list[Version]:
    """Every schema of the lock file, by its order; the last of a name is its newest."""
    return [
        Version(entry["id"], entry["name"], entry["file"], read_json(folder / entry["file"]))
        for entry in read_json(folder / LOCK)["schemas"]
    ]


def released(folder: Path) -> list[Version]:
    """Every released schema; empty before the first release. Copies are checked by ``check``."""
    return [
        Version(
            entry["id"],
            entry["name"],
            f"{RELEASED}/{entry['file']}",
            read_json(folder / RELEASED / entry["file"]),
            f"released version {entry['version']} (id {entry['id']})",
        )
        for entry in _index(folder)
    ]


def _index(folder: Path) -> list[Json]:
    path = folder / RELEASED / INDEX
    return list(read_json(path)) if path.exists() else []


def promised(folder: Path) -> list[Version]:
    """Everything that a newest schema must fit: what was released, and what has an older id."""
    copies = released(folder)
    known = {copy.id for copy in copies}
    schemas = locked(folder)
    newest = {schema.name: schema.id for schema in schemas}
    superseded = [
        replace(schema, label=f"the version of id {schema.id}")
        for schema in schemas
        if schema.id not in known and schema.id != newest[schema.name]
    ]
    return [*copies, *superseded]


def check(folder: Path, against: Sequence[Version] | None = None) -> list[Finding]:
    """What is wrong with the schemas in ``folder``; empty when they may be released.

    ``against`` are the versions that they must read and be read by; by default ``promised``.
    """
    schemas = locked(folder)
    findings = [*_lock_findings(schemas), *_copy_findings(folder, schemas)]
    older = promised(folder) if against is None else against
    return [*findings, *incompatible(schemas, older)]


def incompatible(schemas: Iterable[Version], older: Iterable[Version]) -> Iterator[Finding]:
    """Full transitive compatibility: every newest schema with every older version of its name."""
    newest = {schema.name: schema for schema in schemas}
    for old in older:
        new = newest.get(old.name)
        if new is None:
            yield Finding(
                old.name,
                "",
                f"is gone, but {old.label} was promised: what it wrote could not be read",
                "Restore the schema; a type that is no longer sent stays readable.",
            )
            continue
        if new.fingerprint == old.fingerprint:
            continue
        for backward in unreadable(new.definition, old.definition):
            yield Finding(
                new.name,
                backward.place,
                f"cannot read what {old.label} wrote: it {backward.reason}",
                backward.remedy,
            )
        for forward in unreadable(old.definition, new.definition):
            yield Finding(
                new.name,
                forward.place,
                f"cannot be read by those who have {old.label}: for them it {forward.reason}",
                "Keep the field; its doc may say that it is no longer used."
                if forward.is_missing
                else forward.remedy,
            )
        for default in changed_defaults(new.definition, old.definition):
            yield Finding(
                new.name, default.place, f"{default.reason} ({old.label})", default.remedy
            )


def _lock_findings(schemas: Sequence[Version]) -> Iterator[Finding]:
    seen: dict[int, str] = {}
    for schema in schemas:
        before = seen.get(schema.id)
        seen[schema.id] = schema.name
        if before is not None:
            yield Finding(
                schema.name,
                "",
                f"the lock file gives id {schema.id} twice, also to {before}",
                "Give the newer one a free id.",
            )
        full = f"{schema.definition.get('namespace', '')}.{schema.definition['name']}"
        if full != schema.name:
            yield Finding(
                schema.name,
                "",
                f"the lock file calls it so, but {schema.file} defines {full}",
                "Write the same name in both.",
            )


def _copy_findings(folder: Path, schemas: Sequence[Version]) -> Iterator[Finding]:
    by_id = {schema.id: schema for schema in schemas}
    newest = {schema.name: schema.id for schema in schemas}
    prints = {row["id"]: row["fingerprint"] for row in _index(folder)}
    for copy in released(folder):
        if copy.fingerprint != prints[copy.id]:
            yield Finding(
                copy.name,
                "",
                f"the released copy {copy.file} was changed",
                "Restore it from version control: a release is never changed.",
            )
        schema = by_id.get(copy.id)
        if schema is None or schema.name != copy.name:
            yield Finding(
                copy.name,
                "",
                f"id {copy.id} was released, but the lock file no longer gives it to this schema",
                "Restore the line in the lock file: ids are for ever.",
            )
        elif schema.fingerprint != prints[copy.id]:
            yield Finding(
                copy.name,
                "",
                f"{schema.file} was changed since it was released as id {copy.id}",
                _RELEASE
                if newest[copy.name] == copy.id
                else "Restore it: a release never changes.",
            )


def release(folder: Path) -> list[Version]:
    """Give every new or changed schema its id, and keep a copy; returns what was released.

    ContractError ``incompatible_schema`` when a change would break what was promised: then
    nothing is written.
    """
    broken = list(incompatible(locked(folder), promised(folder)))
    if broken:
        raise ContractError(
            "incompatible_schema",
            "; ".join(map(str, broken)),
            where=str(folder),
            remedy="Change the schemas compatibly, or add a new type and an upcaster.",
        )
    lock = read_json(folder / LOCK)
    copies = {copy.id: copy for copy in released(folder)}
    before = {row["id"]: row for row in _index(folder)}
    versions: dict[str, int] = {}
    index, done = [], []
    for entry in _with_new_ids(folder, lock["schemas"], copies):
        versions[entry["name"]] = versions.get(entry["name"], 0) + 1
        if entry["id"] in before:
            index.append(before[entry["id"]])
            continue
        definition = read_json(folder / entry["file"])
        name = f"{entry['id']:04}-{entry['name'].rpartition('.')[2]}.avsc"
        _write(folder / RELEASED / name, definition)
        done.append(Version(entry["id"], entry["name"], entry["file"], definition))
        index.append(
            {
                "id": entry["id"],
                "name": entry["name"],
                "version": versions[entry["name"]],
                "file": name,
                "fingerprint": fingerprint(definition),
            }
        )
    newest = {row["name"]: row["id"] for row in index}
    for entry, row in zip(lock["schemas"], index, strict=True):
        if entry["id"] != newest[entry["name"]]:
            entry["file"] = f"{RELEASED}/{row['file']}"
    _write(folder / RELEASED / INDEX, index)
    _write(folder / LOCK, lock)
    return done


def _with_new_ids(folder: Path, entries: list[Json], copies: dict[int, Version]) -> list[Json]:
    """The lock's entries, in place: a changed schema leaves its id to its released copy."""
    newest = {entry["name"]: entry for entry in entries}
    free = max((entry["id"] for entry in entries), default=0) + 1
    for name, entry in newest.items():
        copy = copies.get(entry["id"])
        working = fingerprint(read_json(folder / entry["file"]))
        if copy is not None and copy.fingerprint != working:
            entries.append({"id": free, "name": name, "file": entry["file"]})
            entry["file"] = copy.file
            free += 1
    known = {entry["file"] for entry in entries}
    for path in sorted(folder.glob("*/*.avsc")):
        file = path.relative_to(folder).as_posix()
        if file not in known and not file.startswith(f"{RELEASED}/"):
            definition = read_json(path)
            name = f"{definition.get('namespace', '')}.{definition['name']}"
            entries.append({"id": free, "name": name, "file": file})
            free += 1
    return entries


def _write(path: Path, value: Json) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
