"""The runbooks: how everything that may need a person is mended. The same for everybody."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from stockfold.contracts.runbooks import WHAT, Runbook, all_runbooks
from stockfold.contracts.runbooks.text import text_of
from stockfold_services.api.console import hostile, links
from stockfold_services.api.console.frame import render
from stockfold_services.api.problems import not_found

router = APIRouter(prefix="/console/runbooks", include_in_schema=False)

_PAGES = {runbook.page: runbook for runbook in all_runbooks()}
_OF_OURS = re.compile(r"([a-z0-9-]+)\.md")


@router.get("")
async def listed(request: Request) -> HTMLResponse:
    """Every page, by who looks after it."""
    owners: dict[str, list[Runbook]] = {}
    for runbook in sorted(_PAGES.values(), key=lambda one: (one.owner, one.title)):
        owners.setdefault(runbook.owner, []).append(runbook)
    return render(request, "runbooks.html", owners=owners, runbook_link=links.runbook)


@router.get("/{page}")
async def one(request: Request, page: Annotated[str, Path(max_length=100)]) -> HTMLResponse:
    """One page. Names are looked up in the table: no path reaches the disk."""
    runbook = _PAGES.get(page)
    if runbook is None:
        raise not_found("runbook", page)
    return render(
        request,
        "runbook.html",
        runbook=runbook,
        about=[(WHAT[about].replace("`", ""), kinds) for about, kinds in runbook.kinds.items()],
        kinds=runbook.kinds.get("exception", ()),
        repair=hostile.coded(runbook.repair_of("KIND")),
        body=_shown(page),
        exceptions_link=lambda kind: links.page("/console/exceptions", kind=kind),
    )


@cache
def _shown(page: str) -> Markup:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text_of(_PAGES[page]))
    for token in tokens:
        if token.type == "fence":
            token.attrSet("tabindex", "0")
        for inner in token.children or ():
            _lead(inner)
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 - our own text


def _lead(token: Token) -> None:
    """Point a link to another runbook at its page here; other documents are named, not linked."""
    if token.type != "link_open":
        return
    target = str(token.attrGet("href"))
    known = _OF_OURS.fullmatch(target)
    if known is not None and known[1] in _PAGES:
        token.attrSet("href", links.runbook(known[1]))
        return
    del token.attrs["href"]
    token.attrSet("title", f"infra/docs/{target.removeprefix('../')}")
