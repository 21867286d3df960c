"""A listing that its channel does not take is an exception, and is sent again once it is mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_publisher import delivered, publisher
from tests.support.command_line import stockfold, stockfold_json
from tests.support.memory_feed import channel
from tests.support.publishing import availability_service, eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.channels import OutcomeKind
from stockfold.contracts.codec import decode
from stockfold.domain.errors import StockfoldError
from stockfold_services.publisher.given_up import GivenUp
from stockfold_services.publisher.wanted import Finished, Wanted

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


async def test_an_ambiguous_sku_is_told_once_and_its_newest_version_is_sent_when_it_is_mended(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    _, other = server.shop.add_products(["TWICE", "TWICE"])
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service, publisher(settings):
        for quantity in (4, 5, 6):
            await service.publish("woo", [("TWICE", quantity)])
            await delivered(settings, quantity - 3)
        await delivered(settings, 3)
        (case,) = stockfold_json(settings, "exceptions", "list", "--sku", "TWICE")
        assert (case["kind"], case["state"]) == ("delivery_rejected", "open")
        assert "sku_ambiguous" in case["reason"]
        shown = stockfold(settings, "exceptions", "show", case["exception"])
        assert "exceptions resubmit" in shown
        with pytest.raises(StockfoldError, match="carries no event to correct"):
            stockfold(settings, "exceptions", "correct", case["exception"], "--set", "sku=A")
        server.shop.catalogue.ids_of_sku["TWICE"].remove(other.id)
        del server.shop.catalogue.products[other.id]
        stockfold(settings, "exceptions", "resubmit", case["exception"], "--dry-run")
        stockfold(settings, "exceptions", "resubmit", case["exception"], "--yes")
        await eventually(lambda: server.shop.stock(["TWICE"]) == {"TWICE": 6}, 30, "the newest")
    (case,) = stockfold_json(settings, "exceptions", "list", "--sku", "TWICE")
    assert case["state"] == "resubmitted"


def finished(version: int, kind: OutcomeKind, offset: int = 7) -> Finished:
    return Finished(
        Wanted("A", 5, version, 1, offset), kind, 5, 9, "http_500: no", 90, 100 + version
    )


def test_a_listing_is_told_again_only_after_its_channel_has_shown_one() -> None:
    given_up = GivenUp("woo")

    def kinds(*outcomes: Finished) -> list[str]:
        return [decode(value)[1]["kind"] for _, _, value in given_up.exceptions(outcomes, 1)]

    assert kinds(finished(1, OutcomeKind.GAVE_UP)) == ["delivery_gave_up"]
    assert kinds(finished(2, OutcomeKind.REJECTED), finished(3, OutcomeKind.SUPERSEDED)) == []
    assert kinds(finished(4, OutcomeKind.UNMAPPED)) == []
    assert kinds(finished(5, OutcomeKind.APPLIED)) == []
    assert kinds(finished(6, OutcomeKind.REJECTED, offset=-1)) == ["delivery_rejected"]
