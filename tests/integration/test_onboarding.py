"""A shop that is taken over at one moment, with the real ledger and orders service on Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_orders_on_kafka import Shop, await_status, row, status_of
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts.topics import EXCEPTIONS, JOURNAL, ORDER_JOURNAL, ORDERS, POSITIONS
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import SECOND_US, format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold_services.orders.main import run as run_orders

pytestmark = pytest.mark.integration

FILES = {
    "balances": "sku,location,quantity\nS,DC,20\nT,DC,5\nT,STORE,0\n",
    "inbound": "sku,inbound,line,location,quantity,eta\nS,PO-1,1,DC,7,2027-01-01T00:00:00Z\n",
    "in-transit": "sku,transfer,from,to,quantity\nT,TR-1,STORE,DC,2\n",
    "orders": (
        "order;line;Artikel;quantity;shipped;status\n"
        "1001;501;S;4;1;\n1001;502;T;1;;\n1002;503;S;2;;pending\n1003;504;S;x;;\n"
    ),
    "allocations": "sku,allocation,order,line,location,quantity\nS,AL-1,1001,501,DC,3\n",
}


@pytest.fixture
def as_of_us() -> int:
    return (SYSTEM_CLOCK.now_us() // SECOND_US - 3_600) * SECOND_US


@pytest.fixture
def settings(new_environment: NewEnvironment, as_of_us: int) -> Settings:
    shop = {
        "name": "shop",
        "kind": "woocommerce",
        "url": "http://127.0.0.1:9",
        "consumer_key": "k",
        "consumer_secret": "s",
        "locations": ["DC"],
        "shipments": "floor",
        "orders_since": format_us(as_of_us),
    }
    return new_environment(channels=[shop], locations=[{"name": "DC"}])


@pytest.fixture
def config(as_of_us: int, tmp_path: Path) -> str:
    """The settings' file of whoever loads: it must know the channel's cut-off too."""
    path = tmp_path / "stockfold.toml"
    path.write_text(
        '[[channels]]\nname = "shop"\nkind = "woocommerce"\nurl = "http://127.0.0.1:9"\n'
        'consumer_key = "k"\nconsumer_secret = "s"\n'
        f'locations = ["DC"]\norders_since = "{format_us(as_of_us)}"\n',
        "utf-8",
    )
    return str(path)


def load(settings: Settings, config: str, kind: str, as_of_us: int, **told: Any) -> dict[str, Any]:
    path = Path(config).parent / f"{kind}.csv"
    path.write_text(FILES[kind], "utf-8")
    more = ("--channel", "shop") if kind in ("orders", "allocations") else ()
    mapped = ("-m", "Artikel=sku") if kind == "orders" else ()
    command = ("import", str(path), "--kind", kind, "--as-of", format_us(as_of_us), "--yes")
    found: dict[str, Any] = stockfold_json(
        settings, *command, "--config", config, *more, *mapped, **told
    )
    return found


def at_dc(settings: Settings) -> dict[str, tuple[int, int, int]]:
    """(on hand, reserved, allocated) by SKU."""
    found = [read.record for read in committed(settings, POSITIONS) if read.name == "Position"]
    return {
        r["sku"]: (r["on_hand"], r["reserved"], r["allocated"])
        for r in found
        if r["location"] == "DC"
    }


def decided(settings: Settings) -> tuple[int, int]:
    """Facts of the ledger and of the orders."""
    facts = [r for r in committed(settings, JOURNAL) if r.name == "JournalFact"]
    return len(facts), len([r for r in committed(settings, ORDER_JOURNAL) if r.name == "OrderFact"])


def test_open_orders_of_the_cut_off_never_reserve_twice(
    settings: Settings, as_of_us: int, config: str
) -> None:
    shop = Shop(settings)

    def told(order: str, changed_us: int, placed_us: int, *lines: dict[str, Any]) -> None:
        dated = {"revision": changed_us, "placed_at": placed_us}
        shop.tell(order, "processing", *lines, **dated)

    lines = row("501", "S", 4, shipped=1), row("502", "T", 1)
    before_us = as_of_us - 5_000 * SECOND_US
    with ledger(settings), running(run_orders, settings):
        # A webhook that is faster than the load reserves nothing.
        told("1001", before_us + 999_999, before_us, *lines)
        for _ in range(2):
            for kind in FILES:
                bad = int(kind == "orders")
                assert load(settings, config, kind, as_of_us, exit_code=bad)["bad"] == bad
        confirmed = await_status(settings, "1001", "confirmed")
        assert confirmed["ledger_order"] == "shop/1001"
        await_status(settings, "1002", "held")
        expected = {"S": (20, 2, 3), "T": (5, 1, 0)}
        assert wait_for("the stock", lambda: at_dc(settings) == expected), at_dc(settings)
        facts = decided(settings)

        # The same orders from a webhook and a sweep, as the shop had dated them.
        told("1001", before_us + 999_999, before_us, *lines)
        told("1002", as_of_us - 1, before_us, row("503", "S", 2))
        # An order of before that was not open then, touched since: its units are gone already.
        told("1000", SYSTEM_CLOCK.now_us(), before_us, row("500", "S", 9))
        # What is new, or has changed since, counts.
        told("1004", SYSTEM_CLOCK.now_us(), as_of_us + SECOND_US, row("505", "T", 2))
        await_status(settings, "1004", "confirmed")
        assert status_of(settings, "1000") == {}
        assert at_dc(settings) == {"S": (20, 2, 3), "T": (5, 3, 0)}
        facts_of_new = decided(settings)
        assert facts_of_new[0] == facts[0] + 1
        told("1001", SYSTEM_CLOCK.now_us(), before_us, lines[0], row("502", "T", 2))
        wait_for("the edit", lambda: at_dc(settings)["T"] == (5, 4, 0))
    assert at_dc(settings)["S"] == (20, 2, 3)
    assert [r.record["kind"] for r in committed(settings, EXCEPTIONS)] == []


def test_a_file_of_open_orders_tells_its_bad_rows_and_wants_the_channels_cut_off(
    settings: Settings, as_of_us: int, tmp_path: Path, config: str
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(
        "order,line,sku,quantity,status\n"
        "1,a,S,1,\n2,b,S,-1,\n2,c,S,1,\n1,d,S,1,\n3,e,S,1,completed\n4,f,,1,\n5,g,S,1,on_hold\n"
        "6,h,S,1,\n6,h,S,1,\n7,i|,S,1\n",
        "utf-8",
    )
    command = ("import", str(path), "--kind", "orders", "--channel", "shop", "--dry-run")
    command += ("--config", config)
    told = stockfold_json(settings, *command, "--as-of", format_us(as_of_us), exit_code=1)
    assert (told["good"], told["noun"]) == (2, "orders")
    assert [(bad["row"], bad["field"]) for bad in told["bad_rows"]] == [
        (2, "quantity"),
        (4, "order"),
        (5, "status"),
        (6, "sku"),
        (8, "order"),
        (10, ""),
    ]
    assert committed(settings, ORDERS) == []
    with pytest.raises(SettingsError, match="cut-off of channel shop"):
        stockfold(settings, *command, "--as-of", format_us(as_of_us + SECOND_US))
