"""Asking before something is changed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from stockfold.domain.errors import SettingsError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def confirm(question: str, yes: bool) -> None:
    """Go on only when a person says so, or has said --yes.

    typer.Abort on no. SettingsError when nobody can be asked: standard input is no terminal.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError(
            f"nobody can be asked: {question}",
            where="standard input, which is no terminal",
            remedy="Look at --dry-run first, then say --yes.",
        )
    typer.confirm(question, abort=True, err=True)
