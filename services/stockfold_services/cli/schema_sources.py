"""Where schemas are compared from: a folder, or another state of the repository."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from stockfold.contracts.releases import LOCK, Version, locked, read_json
from stockfold.domain.errors import ContractError, SettingsError

GIT_S_MAX = 30


def schemas_folder(folder: Path | None) -> Path:
    """The folder of the lock file; SettingsError when there is none."""
    found = Path(str(files("stockfold_schemas"))) if folder is None else folder
    if not (found / LOCK).is_file():
        raise SettingsError(
            f"there is no {LOCK}",
            where=str(found),
            remedy="Name the folder that holds it: --folder schemas/stockfold_schemas.",
        )
    return found


def versions_at(source: str, folder: Path) -> list[Version]:
    """Every schema of a folder of schemas, of a folder of .avsc files, or of a git reference.

    SettingsError when it is neither.
    """
    path = Path(source)
    if (path / LOCK).is_file():
        return [replace(version, label=f"id {version.id} of {source}") for version in locked(path)]
    if path.is_dir():
        return [
            _version(read_json(file), f"{file.relative_to(path)} of {source}")
            for file in sorted(path.rglob("*.avsc"))
        ]
    return _at_commit(source, folder)


def _version(definition: Any, label: str) -> Version:
    name = f"{definition.get('namespace', '')}.{definition.get('name', '')}"
    return Version(0, name, label, definition, label)


def _at_commit(reference: str, folder: Path) -> list[Version]:
    lock = json.loads(_shown(reference, LOCK, folder))
    return [
        Version(
            entry["id"],
            entry["name"],
            entry["file"],
            json.loads(_shown(reference, entry["file"], folder)),
            f"id {entry['id']} of {reference}",
        )
        for entry in lock["schemas"]
    ]


def _shown(reference: str, file: str, folder: Path) -> str:
    git = shutil.which("git")
    if git is None:
        raise SettingsError(
            f"{reference!r} is no folder, and git is not there to look it up",
            where="--against",
            remedy="Name a folder, or install git.",
        )
    if reference.startswith("-"):
        raise SettingsError(f"{reference!r} is no git reference", where="--against")
    # No shell, and a reference that cannot be an option: git only reads.
    done = subprocess.run(  # noqa: S603
        [git, "show", f"{reference}:./{file}"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=GIT_S_MAX,
    )
    if done.returncode:
        raise ContractError(
            "unreadable_schema",
            f"{reference!r} is neither a folder nor a git reference with {file}",
            where=done.stderr.strip(),
            remedy="Name a folder of schemas, or a reference such as v0.1.0 or HEAD~1.",
        )
    return done.stdout
