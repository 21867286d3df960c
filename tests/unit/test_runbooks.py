"""Everything that may need a person has an owner, a page that is true, and a repair."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import typer.core
import typer.main
from infra.docs import runbook_pages

from stockfold.channels import OutcomeKind
from stockfold.contracts.runbooks import About, Owner, all_runbooks, kinds_of, runbook_of
from stockfold.explain.leaks import Kind as Leak
from stockfold.reconcile.findings import Kind as Figure
from stockfold.reconcile.listings import HARMLESS, ListingKind
from stockfold.runtime import remote_versions
from stockfold.runtime.channel_control import State
from stockfold_services.availability.compiler import REFUSED
from stockfold_services.cli.main import app
from stockfold_services.ledger.findings import FINDINGS
from stockfold_services.publisher import frozen, given_up

ROOT = Path(__file__).parents[2]
CODE = ("libs/stockfold", "services/stockfold_services")
SECTIONS = [
    "What it means",
    "Who is hurt, and how soon",
    "See it",
    "Repair",
    "Mended when",
    "Prevent it",
]
RAISING = {
    "ContractError",
    "Refused",
    "Refusal",
    "Problem",
    "encode_exception",
    "encode_channel_finding",
}
TOLD_AT_ONCE = {
    "ambiguous_alias": "catalog import refuses the file",
    "bad_mapping": "import and reconcile refuse the mapping",
    "bad_policy": "policy apply refuses the file; on the topic, the policy before stays in force",
    "incomplete_run": "the gateway answers it",
    "canary_unfit": "the sweeper's log and channel monitor say it",
    "missing_id": "the client raises it",
    "mixed_snapshot": "import refuses the file",
    "unencodable": "the client raises it",
    "unfit_correction": "exceptions correct refuses it",
    "unknown_field": "exceptions correct refuses it",
    "unreadable_schema": "schemas check refuses it",
}
"""Kinds that whoever asked is told at once, so that nothing is left behind to repair."""


@cache
def _calls() -> list[tuple[str, ast.Call]]:
    return list(_read_calls())


def _read_calls() -> Iterator[tuple[str, ast.Call]]:
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    func = node.func
                    name = func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")
                    yield name, node


def _literals(names: set[str], position: int) -> set[str]:
    return {
        str(argument.value)
        for name, call in _calls()
        if name in names and len(call.args) > position
        for argument in [call.args[position]]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_every_kind_of_exception_that_the_code_can_raise_has_a_page() -> None:
    raised = _literals(RAISING, 0)
    raised |= (
        set(FINDINGS) | {REFUSED, frozen.KIND, remote_versions.KIND} | set(given_up.KINDS.values())
    )
    assert "unknown_sku" in raised
    without = {kind for kind in raised - TOLD_AT_ONCE.keys() if runbook_of(kind) is None}
    assert not without, f"add them to libs/stockfold/contracts/runbooks, with a page: {without}"


def test_no_exception_has_a_page_that_nothing_raises() -> None:
    raised = _literals(RAISING, 0)
    raised |= (
        set(FINDINGS) | {REFUSED, frozen.KIND, remote_versions.KIND} | set(given_up.KINDS.values())
    )
    assert set(kinds_of("exception")) <= raised


def test_what_is_told_at_once_has_no_page_and_is_really_raised() -> None:
    raised = _literals(RAISING, 0)
    assert raised >= TOLD_AT_ONCE.keys()
    assert not TOLD_AT_ONCE.keys() & set(kinds_of("exception"))


def test_every_finding_of_channel_check_that_asks_for_something_has_a_page() -> None:
    levels = ("ERROR", "WARNING")
    grave = {
        str(call.args[1].value)
        for name, call in _calls()
        if name == "Finding" and len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
        if any(f"Level.{level}" in ast.unparse(call.args[0]) for level in levels)
    }
    assert "webhook_missing" in grave
    missing = {code for code in grave if runbook_of(code, "check") is None}
    assert not missing


@pytest.mark.parametrize(
    ("about", "kinds"),
    [
        ("listing", set(ListingKind) - HARMLESS),
        ("figure", set(Figure) - {Figure.AGREES}),
        ("channel", set(get_args(State)) - {"running"}),
        ("leak", set(get_args(Leak))),
        ("case", {"oversold"}),
    ],
)
def test_every_kind_of_a_closed_list_has_a_page_and_no_other(about: About, kinds: set[str]) -> None:
    assert set(kinds_of(about)) == {str(kind) for kind in kinds}


def test_every_outcome_of_a_delivery_that_fails_has_a_page() -> None:
    for kind in (OutcomeKind.REJECTED, OutcomeKind.UNMAPPED, OutcomeKind.GAVE_UP):
        assert runbook_of(kind.value, "delivery") is not None


def test_one_kind_has_one_page() -> None:
    named = [
        (about, kind)
        for runbook in all_runbooks()
        for about, kinds in runbook.kinds.items()
        for kind in kinds
    ]
    assert len(named) == len(set(named))
    assert {runbook.owner for runbook in all_runbooks()} == set(get_args(Owner))


def test_every_page_is_there_and_none_is_orphaned() -> None:
    pages = {path.stem for path in runbook_pages.HERE.glob("*.md")} - {"README"}
    assert pages == {runbook.page for runbook in all_runbooks()}


@pytest.mark.parametrize("runbook", all_runbooks(), ids=lambda runbook: runbook.page)
def test_a_page_says_what_the_table_says_in_the_usual_order(runbook: runbook_pages.Runbook) -> None:
    text = (ROOT / runbook.path).read_text("utf-8")
    assert text == runbook_pages.page(runbook, text), "run: make docs"
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert ((ROOT / runbook.path).parent / target).is_file(), target


def test_the_index_is_what_the_table_says() -> None:
    assert runbook_pages.INDEX.read_text("utf-8") == runbook_pages.index(), "run: make docs"


def _blocks(text: str) -> Iterator[str]:
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from (line for line in block.splitlines() if line.startswith("stockfold "))


def _spans(text: str) -> Iterator[str]:
    return (" ".join(span.split()) for span in re.findall(r"`(stockfold [^`]+)`", text))


@cache
def _stockfold() -> typer.core.TyperGroup:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return group


def _parse(command: str) -> None:
    """Read a command by the real application, all its options; nothing is run."""
    current, context = _stockfold(), None
    name, *words = shlex.split(command)
    while True:
        context = current.make_context(name, words, parent=context)
        if not isinstance(current, typer.core.TyperGroup):
            return
        words = [*context._protected_args, *context.args]
        name, current, words = current.resolve_command(context, words)


@pytest.mark.parametrize("runbook", all_runbooks(), ids=lambda runbook: runbook.page)
def test_every_command_of_a_page_exists_with_those_options(runbook: runbook_pages.Runbook) -> None:
    text = (ROOT / runbook.path).read_text("utf-8")
    assert list(_blocks(text))
    for command in [*_blocks(text), *_spans(runbook.repair)]:
        _parse(command)
    for command in _spans(text):
        # In a sentence a command may be named without what it is about.
        with contextlib.suppress(typer._click.exceptions.MissingParameter):
            _parse(command)


def test_a_command_with_an_option_that_is_not_there_would_be_noticed() -> None:
    with pytest.raises(Exception, match="--nonsense"):
        _parse("stockfold exceptions show 3-42 --nonsense")
    with pytest.raises(Exception, match="exorcise"):
        _parse("stockfold exceptions exorcise 3-42")
