"""The shop that the facts are checked on, and which of them can be.

Without further ado the imitation; ``make facts`` with WOOCOMMERCE_URL, WOOCOMMERCE_KEY and
WOOCOMMERCE_SECRET takes a real shop. What cannot be seen on it is left out, not skipped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.woo_shop import Shop, ShopServer
from tests.support.woo_subject import Subject, real_shop


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a real shop cannot be made to show, or not at its kind of address."""
    shop = real_shop()
    if shop is None:
        return
    other = "over_plain_http" if shop[0].startswith("https:") else "over_tls"
    here = [item for item in items if item.path.is_relative_to(__file__.rpartition("/")[0])]
    left_out = [item for item in here if any(map(item.get_closest_marker, ("imitated", other)))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def address() -> Iterator[tuple[str, str, str]]:
    """Address, key and secret."""
    shop = real_shop()
    if shop is not None:
        yield shop
        return
    # A written item takes a moment, so that requests overlap as they do on a real one.
    with ShopServer(Shop(item_written_s=0.001)) as server:
        yield server.url, server.shop.consumer_key, server.shop.consumer_secret


@pytest.fixture
async def woo(address: tuple[str, str, str]) -> AsyncIterator[Subject]:
    """The shop."""
    async with Subject(*address) as subject:
        yield subject
