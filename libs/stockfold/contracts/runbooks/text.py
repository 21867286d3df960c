"""The text of the runbooks. ``pages`` is a link to infra/docs/runbooks; a wheel has the files."""

from __future__ import annotations

from importlib.resources import files

from stockfold.contracts.runbooks.kinds import Runbook

FIRST_SECTION = "## What it means"


def text_of(runbook: Runbook) -> str:
    """The page as Markdown, from its first section: what is above it is the table's."""
    page = files(__package__).joinpath("pages", f"{runbook.page}.md").read_text("utf-8")
    return FIRST_SECTION + page.partition(FIRST_SECTION)[2]
