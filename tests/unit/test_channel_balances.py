"""A shop's own stock as balances: what counts, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.woo_shop import Shop, ShopServer
from typer.testing import CliRunner

from stockfold.channels.woocommerce.catalog import Managed, Product
from stockfold.domain.errors import SettingsError
from stockfold_services.cli.channels.balances import Balances, balances_of
from stockfold_services.cli.main import app


def product(
    sku: str, quantity: int | None, managed: Managed = "yes", kind: str = "simple"
) -> Product:
    return Product(1, sku, kind, "publish", managed=managed, quantity=quantity)


def test_what_the_shop_itself_manages_counts_once_and_the_rest_is_told() -> None:
    found = balances_of(
        [
            product("B", 2),
            product("A", 7, kind="variable"),
            product("A-RED", 7, "parent", "variation"),
            product("", 3),
            product("C", None, "no"),
            product("V", None, "no", "variable"),
            product("TWICE", 1),
            product("TWICE", 2),
            product("D", -4),
            product("E", None),
        ]
    )
    assert found == Balances(
        (("A", 7), ("B", 2), ("D", 0)),
        {
            "left out: no SKU": 1,
            "left out: stock not managed in the shop": 1,
            "left out: several products have the SKU": 2,
            "below zero in the shop, written as 0": 1,
            "left out: no whole number of units": 1,
        },
    )


def test_the_file_is_what_import_takes_and_is_never_written_over(tmp_path: Path) -> None:
    shop = Shop()
    shop.add_products(["A", "B"], 5)
    out, config = tmp_path / "balances.csv", tmp_path / "stockfold.toml"
    with ShopServer(shop) as server:
        config.write_text(
            f'[[channels]]\nname = "woo"\nkind = "woocommerce"\nurl = "{server.url}"\n'
            'consumer_key = "ck_test"\nconsumer_secret = "cs_test"\n',
            "utf-8",
        )
        asked = ["channel", "balances", "woo", "--location", "DC", "--out", str(out)]
        asked += ["--config", str(config)]
        done = CliRunner().invoke(app, asked, catch_exceptions=False)
        assert done.exit_code == 0
        assert out.read_text("utf-8").split() == ["sku,location,quantity", "A,DC,5", "B,DC,5"]
        with pytest.raises(SettingsError, match="is there"):
            CliRunner().invoke(app, asked, catch_exceptions=False)
    assert shop.stats.items_written == 0
