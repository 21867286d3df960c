"""What was fed into a data folder, so that a second run goes on from there."""

from __future__ import annotations

from pathlib import Path

import msgspec

from stockfold.domain.errors import SettingsError

RULE = 1
"""Rises whenever the derivation or its telling changes."""


class Marker(msgspec.Struct, frozen=True):
    """The demo of a data folder; steps before (``wave``, ``step``) are fed."""

    rule: int
    lines: int
    seed: int
    wave: int = 0
    step: int = 0
    complete: bool = False


def read(path: Path, lines: int, seed: int) -> Marker:
    """The folder's marker, or a new one. SettingsError when the folder holds another demo."""
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Marker)
    except FileNotFoundError:
        return Marker(RULE, lines, seed)
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f"the demo's marker cannot be read: {error}",
            where=str(path),
            remedy=f"Remove the folder {path.parent}, or take another with --data-dir.",
        ) from error
    if (known.rule, known.lines, known.seed) != (RULE, lines, seed):
        raise SettingsError(
            f"the data folder holds a demo of {known.lines} lines, seed {known.seed}, "
            f"rule {known.rule}; asked for are {lines} lines, seed {seed}, rule {RULE}",
            where=str(path.parent),
            remedy="Remove that folder, or take another with --data-dir.",
        )
    return known


def write(path: Path, marker: Marker) -> None:
    """Replace the marker; whole or not at all."""
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(marker))
    beside.replace(path)
