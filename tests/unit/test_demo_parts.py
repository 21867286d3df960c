from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from infra.demo import marker
from infra.demo.__main__ import last_words, plan_of
from infra.demo.shops import BEFORE, RememberingShop
from infra.demo.waiting import until

from stockfold.domain.errors import SettingsError


def test_a_new_folder_has_nothing_fed(tmp_path: Path) -> None:
    known = marker.read(tmp_path / "fed.json", 2_000, 1)
    assert (known.wave, known.step, known.complete) == (0, 0, False)


def test_a_folder_remembers_what_was_fed(tmp_path: Path) -> None:
    path = tmp_path / "fed.json"
    written = msgspec.structs.replace(marker.read(path, 2_000, 1), wave=3, step=2)
    marker.write(path, written)
    assert marker.read(path, 2_000, 1) == written


def test_a_folder_of_another_demo_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "fed.json"
    marker.write(path, marker.Marker(marker.RULE, 2_000, 1))
    with pytest.raises(SettingsError, match="holds a demo of 2000 lines, seed 1") as caught:
        marker.read(path, 3_000, 1)
    assert "--data-dir" in caught.value.remedy


def test_an_unreadable_marker_is_told_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "fed.json"
    path.write_text("{")
    with pytest.raises(SettingsError, match="cannot be read"):
        marker.read(path, 2_000, 1)


async def test_a_shop_remembers_its_stock(tmp_path: Path) -> None:
    memory = tmp_path / "web.stock"
    shop = RememberingShop(memory)
    shop.open(["a", "b"])
    assert shop.stock() == {"a": BEFORE, "b": BEFORE}
    await shop.put(shop.catalogue.ids_of_sku["a"][0], {"manage_stock": True, "stock_quantity": 7})
    again = RememberingShop(memory)
    again.open(["a", "b", "c"])
    assert again.stock() == {"a": 7, "b": BEFORE, "c": BEFORE}
    shop.close()
    again.close()


def test_waiting_ends_when_it_is_done() -> None:
    looks = iter([(False, 1), (False, 2), (True, 3)])
    assert until(lambda: next(looks), lambda _: None, 60.0) == (True, 3)


def test_waiting_ends_when_nothing_moves() -> None:
    assert until(lambda: (False, 1), lambda _: None, 0.0) == (False, 1)


def test_lines_may_be_a_number_or_all() -> None:
    plan, leave = plan_of(["--lines", "all", "--exit", "--seed", "4"])
    assert (plan.lines, plan.seed, leave) == (None, 4, True)
    assert plan_of([])[0].lines_count == 20_000


def test_each_demo_has_a_folder_of_its_own() -> None:
    folders = {plan_of(options)[0].folder for options in ([], ["--lines", "5"], ["--seed", "2"])}
    assert len(folders) == 3


@pytest.mark.parametrize("lines", ["0", "-1", "some", "1469308"])
def test_nonsense_lines_are_refused(lines: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        plan_of(["--lines", lines])
    assert "--lines" in capsys.readouterr().err


def test_a_service_that_ended_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "ledger.log").write_text('{"level": "info", "message": "serving"}\n')
    (tmp_path / "kafka.log").write_text("no JSON at all\n")
    (tmp_path / "services.log").write_text('{"level": "critical", "message": "no room"}\n')
    assert last_words(tmp_path) == [("services", "no room")]
