"""Prism before the imitated Amazon, and Prism alone: one process for each document and each use."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.prism.serving import Stand, prism

AMAZON_DOCUMENTS = {
    "/listings/": "models/listings-items-api-model/listingsItems_2021-08-01.json",
    "/feeds/": "models/feeds-api-model/feeds_2021-06-30.json",
    "/externalFulfillment/": (
        "models/external-fulfillment/externalFulfillmentInventory_2024-09-11.json"
    ),
}
"""By the beginning of the paths that they describe."""
EBAY_BASE = "/sell/inventory/v1"
"""Where eBay serves its document's paths."""


@pytest.fixture(scope="session")
def amazon_documents() -> Mapping[str, Path]:
    """The documents in the checkout that ``SPAPI_MODELS`` names."""
    models = Path(os.environ["SPAPI_MODELS"])
    return {at: models / name for at, name in AMAZON_DOCUMENTS.items()}


@pytest.fixture(scope="session")
def stand() -> Iterator[Stand]:
    made = Stand()
    yield made
    made.close()


@pytest.fixture(scope="session")
def proxies(
    amazon_documents: Mapping[str, Path], stand: Stand, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """Prism between an adapter and the stand."""
    logs = tmp_path_factory.mktemp("proxies")
    with ExitStack() as running:
        yield {
            at: running.enter_context(
                prism(logs / document.stem, "proxy", str(document), stand.url)
            )
            for at, document in amazon_documents.items()
        }


@pytest.fixture(scope="session")
def mocks(
    amazon_documents: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str]]:
    """Prism answering by itself, with what the documents give as examples."""
    logs = tmp_path_factory.mktemp("mocks")
    with ExitStack() as running:
        yield {
            at: running.enter_context(prism(logs / document.stem, "mock", str(document)))
            for at, document in amazon_documents.items()
        }


@pytest.fixture(scope="session")
def ebay_proxy(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prism between eBay's adapter and the stand, by the description that ``EBAY_OPENAPI`` names.

    By itself Prism answers for eBay nothing to read: the description has no examples, and gives
    what has a few values, as the status of an offer, as any text.
    """
    log = tmp_path_factory.mktemp("ebay") / "proxy"
    with prism(log, "proxy", os.environ["EBAY_OPENAPI"], stand.url + EBAY_BASE) as url:
        yield url
