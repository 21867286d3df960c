"""``stockfold channel kinds`` and ``stockfold channel test``."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import msgspec
import pytest
from tests.support.command_line import stockfold, stockfold_json

from stockfold.channels import Shown, StockUpdate
from stockfold.channels.kinds import Terms, installed
from stockfold.channels.woocommerce import WooCommerce
from stockfold.channels.woocommerce.kind import KIND
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.conformance.scenarios import SCENARIOS


class ShowsOneMore(WooCommerce):
    def to_show(self, update: StockUpdate) -> Shown:
        return Shown(max(update.quantity, 0) + 1)


def _one_more(terms: Terms) -> WooCommerce:
    key, secret = terms.credential("consumer_key"), terms.credential("consumer_secret")
    return ShowsOneMore(terms.url, key, secret)


BROKEN = msgspec.structs.replace(KIND, name="one-more", adapter=_one_more)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> str:
    """A third party's package, as far as its entry point goes."""
    point = EntryPoint("one-more", f"{__name__}:BROKEN", "stockfold.channels")
    monkeypatch.setattr("stockfold.channels.kinds.entry_points", lambda group: EntryPoints([point]))
    return point.name


def test_the_page_of_the_kit_names_every_scenario_and_every_kind() -> None:
    page = (Path(__file__).parents[2] / "infra" / "docs" / "channel-kit.md").read_text("utf-8")
    for scenario in SCENARIOS:
        assert f"| `{scenario.name}` | {scenario.sentence} |" in page
    for kind in installed().values():
        assert f"| `{kind.name}` | {kind.assurance.value} |" in page


def test_kinds_are_told_with_their_assurance() -> None:
    found = {kind["name"]: kind for kind in stockfold_json(Settings(), "channel", "kinds")}
    assert found["woocommerce"]["assurance"] == "contract"
    assert "woocommerce" in stockfold(Settings(), "channel", "kinds")


def test_a_kind_that_passes_is_told_scenario_by_scenario() -> None:
    names = ("--only", "shown", "--only", "locations")
    told = stockfold_json(Settings(), "channel", "test", "woocommerce", *names)
    assert told["kind"]["name"] == "woocommerce"
    results = {one["scenario"]: one["result"] for one in told["scenarios"]}
    assert results == {"shown": "pass", "locations": "not applicable"}
    table = stockfold(Settings(), "channel", "test", "woocommerce", *names)
    assert "its kind is told no locations apart" in table


def test_a_kind_that_fails_ends_with_exit_code_1_and_what_was_seen(broken: str) -> None:
    names = ("--only", "shown", "--only", "clamped")
    table = stockfold(Settings(), "channel", "test", broken, *names, exit_code=1)
    assert "This is not so: 0 and less are shown as 0" in table
    assert "is shown as 1 instead of 0" in table
    assert "one-more" in stockfold(Settings(), "channel", "kinds")


def test_a_scenario_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="zero-lane"):
        stockfold(Settings(), "channel", "test", "woocommerce", "--only", "nothing")
