"""What a size needs: the page, the arithmetic that it shows, and the command."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from infra.docs import sizing
from typer.testing import CliRunner

from stockfold_services.cli.main import app
from stockfold_services.cli.sizing.arithmetic import Factor, number, step
from stockfold_services.cli.sizing.costs import COSTS
from stockfold_services.cli.sizing.needs import Needs, Size, limits, sizes

SHOP = next(iter(sizes()))


def test_the_page_is_what_the_costs_come_to() -> None:
    assert sizing.PATH.read_text("utf-8") == sizing.render()


def test_a_figure_shows_how_it_came_about() -> None:
    found = step(
        "rows", "/s", (Factor(60, "a minute"), Factor(60, "s", divides=True)), (Factor(2, "more"),)
    )
    assert found.value == 3
    assert found.shown == "3 /s"
    assert found.how == "60 a minute / 60 s + 2 more"


def _told(how: str) -> float:
    """What the shown arithmetic comes to: numbers, x, / and +, without the words."""
    signs = {"x": "*"}
    words = [signs.get(word, word.replace(",", "")) for word in how.split()]
    kept = [word for word in words if re.fullmatch(r"[*/+]|\d+(\.\d+)?(e[+-]?\d+)?", word)]
    return float(eval(" ".join(kept)))


@pytest.mark.parametrize("size", sizes(), ids=lambda size: size.name)
def test_the_arithmetic_shown_comes_to_the_figure(size: Size) -> None:
    for found in Needs(size).steps:
        if " x " in found.how or " / " in found.how:
            assert _told(found.how) == pytest.approx(found.value, rel=0.03), found


def test_twice_the_shop_needs_twice_the_cpu_memory_and_disk() -> None:
    twice = replace(
        SHOP,
        skus=SHOP.skus * 2,
        orders_per_day=SHOP.orders_per_day * 2,
        other_per_day=SHOP.other_per_day * 2,
        lookups_per_s=SHOP.lookups_per_s * 2,
    )
    one, two = Needs(SHOP), Needs(twice)
    for name in ("ledger", "PostgreSQL", "memory of all ledgers", "topics, a year more", "api"):
        assert two[name] == pytest.approx(2 * one[name])


def test_a_marketplace_takes_partitions_enough_for_its_ledgers_and_its_restarts() -> None:
    largest = Needs(list(sizes())[-1])
    assert largest["partitions"] >= 2 * largest["ledger processes"]
    assert largest["restart of a partition"] <= 5


def test_a_dearer_event_is_felt_first_by_the_ledger() -> None:
    dear = COSTS | {"ledger_us": COSTS["ledger_us"]._replace(value=1e6)}
    assert limits(Needs(SHOP, dear))[0].name == "one ledger's core"


@pytest.mark.parametrize(("value", "told"), [(0, "0"), (0.01234, "0.0123"), (1234.5, "1,234")])
def test_three_digits_count(value: float, told: str) -> None:
    assert number(value) == told


def test_the_command_tells_the_same_to_people_and_to_programs() -> None:
    asked = ["size", "--skus", "5000", "--orders-per-day", "100", "--other-per-day", "300"]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 0
    assert "100 orders x 2 lines x 3 events + 300 others" in shown.output
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)
    figures = {step["name"]: step["value"] for step in told["figures"]}
    assert figures["events a day"] == 900
    assert figures["partitions"] == 8
    assert {limit["name"] for limit in told["limits"]} >= {"one ledger's core"}
