"""Writes what the table of runbooks says into its pages, and their index. ``make docs`` runs it."""

from __future__ import annotations

from pathlib import Path

from stockfold.contracts.runbooks import WHAT, Runbook, all_runbooks
from stockfold.contracts.runbooks.text import FIRST_SECTION

HERE = Path(__file__).parent / "runbooks"
INDEX = HERE / "README.md"
_INTRO = """# Runbooks

One page for everything that may need a person: what it means, who is hurt and how soon, how to see
it, the repair, how to know that it is mended, and how to prevent it. `stockfold runbook KIND` and
`stockfold exceptions show` name the page, its owner and the first thing to do; so do the api and
the console, which shows the pages too (`/console/runbooks`). Owners are roles: `engineer` runs
stockfold and its connections, `shop team` the shops.

In the commands, `3-42` is the place of an exception, `woo-de` a channel, `SKU-1001` a SKU. Whatever
changes something has `--dry-run`, asks first (`--yes` in a script) and leaves an audit record.

"""


def header(runbook: Runbook) -> str:
    """The lines of a page above its first section."""
    told = [
        f"{WHAT[about]}: " + ", ".join(f"`{kind}`" for kind in kinds)
        for about, kinds in runbook.kinds.items()
    ]
    return (
        f"# {runbook.title}\n\n"
        + "".join(f"- {line}\n" for line in told)
        + f"- owner: {runbook.owner}\n- first: {_shown(runbook)}\n\n"
    )


def page(runbook: Runbook, text: str) -> str:
    """The page with its header from the table; ValueError for one without its first section."""
    _, section, body = text.partition(FIRST_SECTION)
    if not section:
        raise ValueError(f"{runbook.path} has no section {FIRST_SECTION!r}")
    return header(runbook) + section + body


def index() -> str:
    """The list of every page, by owner."""
    rows = ["| page | about | owner |\n|---|---|---|\n"]
    for runbook in sorted(all_runbooks(), key=lambda each: (each.owner, each.page)):
        kinds = "; ".join(
            f"{WHAT[about]} " + ", ".join(f"`{kind}`" for kind in kinds)
            for about, kinds in runbook.kinds.items()
        )
        rows.append(f"| [{runbook.title}]({runbook.page}.md) | {kinds} | {runbook.owner} |\n")
    return _INTRO + "".join(rows)


def _shown(runbook: Runbook) -> str:
    return runbook.repair_of("KIND", "PLACE")


def main() -> None:
    """Write every page's header anew, and the index."""
    for runbook in all_runbooks():
        path = HERE / f"{runbook.page}.md"
        path.write_text(page(runbook, path.read_text("utf-8")), "utf-8")
    INDEX.write_text(index(), "utf-8")


if __name__ == "__main__":
    main()
