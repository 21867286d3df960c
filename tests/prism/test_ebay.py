"""eBay's description of its Sell Inventory API judges our adapter and the imitated eBay."""

from __future__ import annotations

from stockfold.channels.ebay.adapter import Ebay
from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.ebay.options import EbayOptions
from stockfold.channels.port import Request, StockUpdate
from tests.prism.conftest import EBAY_BASE
from tests.prism.judging import Judged, refused_alike
from tests.prism.serving import Stand

SKUS = ("tea", "50% wool", "über")
PATHS = {"/offer", "/bulk_get_inventory_item", "/bulk_update_price_quantity"}


def talk_of(stand: Stand, proxy: str, *skus: str) -> Judged:
    ebay = FakeEbay()
    for sku in skus:
        ebay.list(sku, 7, {"WH-BER": 7})
    stand.subject = ebay
    options = EbayOptions.model_validate(ebay.options)
    adapter = Ebay("ebay", ebay.credentials.__getitem__, options, ebay.locations)
    return Judged(adapter, ebay, {EBAY_BASE: proxy}, EBAY_BASE)


def want(talk: Judged, *skus: str) -> None:
    talk.want(*(StockUpdate(sku, 7, 1, locations=(("berlin", 4), ("hamburg", 3))) for sku in skus))


def by_path(talk: Judged) -> dict[str, Request]:
    return {request.path.removeprefix(EBAY_BASE): request for request, _ in talk.judged}


def test_offers_are_found_and_stock_is_written_as_the_document_says(
    stand: Stand, ebay_proxy: str
) -> None:
    talk = talk_of(stand, ebay_proxy, *SKUS, "bad")
    talk.subject.spoil("bad")
    want(talk, *SKUS, "bad", "nobody's")
    talk.run()
    assert talk.violations == []
    assert set(by_path(talk)) == PATHS
    assert [talk.subject.shows(sku) for sku in SKUS] == [7, 7, 7]


def test_what_breaks_the_document_by_prism_the_imitation_refuses(
    stand: Stand, ebay_proxy: str
) -> None:
    talk = talk_of(stand, ebay_proxy, "tea")
    want(talk, "tea")
    talk.run()
    objected = {path for path, one in by_path(talk).items() if refused_alike(talk, one)}
    assert objected == PATHS - {"/offer"}
