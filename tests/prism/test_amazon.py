"""Amazon's own models judge what our adapters ask, and what the imitated Amazon answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
import pytest

from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.answers import NOT_AMAZON
from stockfold.channels.amazon.external_adapter import ExternalFulfillment
from stockfold.channels.amazon.fake import Imitation
from stockfold.channels.amazon.fake_external import ExternalImitation
from stockfold.channels.amazon.operations import operation_of
from stockfold.channels.amazon.options import AmazonOptions, ExternalOptions
from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Request, Response, StockUpdate
from tests.prism.judging import Judged, asked_of, refused_alike, violations_of
from tests.prism.serving import Stand
from tests.support.amazon_loop import on_the_wire

FEW = ("tea", "a, b", "50% wool", "über")
MANY = tuple(f"S{number}" for number in range(30))
LISTINGS = {"getFeeds", "searchListingsItems", "getListingsItem", "patchListingsItem"}
FEEDS = {"createFeedDocument", "createFeed", "getFeed", "getFeedDocument"}


def listings(
    stand: Stand, proxies: Mapping[str, str], *skus: str, imitation: type[Imitation] = Imitation
) -> Judged:
    amazon = imitation()
    for sku in skus:
        amazon.list(sku, 1)
    stand.subject = amazon
    options = AmazonOptions.model_validate({**amazon.options, "patch_at_most": 5})
    return Judged(Amazon(amazon.url, options, amazon.credentials.__getitem__), amazon, proxies)


def external(stand: Stand, proxies: Mapping[str, str], *skus: str) -> Judged:
    amazon = ExternalImitation()
    for sku in skus:
        amazon.list(sku, 1)
    stand.subject = amazon
    options = ExternalOptions.model_validate(amazon.options)
    adapter = ExternalFulfillment(
        amazon.url, options, amazon.credentials.__getitem__, amazon.locations
    )
    return Judged(adapter, amazon, proxies)


def want(talk: Judged, *skus: str, quantity: int = 7) -> None:
    talk.want(*(StockUpdate(sku, quantity, 1) for sku in skus))


def called(talk: Judged) -> set[str]:
    return set(each_operation(talk))


def test_a_few_listings_are_looked_up_patched_and_read_back_as_the_model_says(
    stand: Stand, proxies: Mapping[str, str]
) -> None:
    talk = listings(stand, proxies, *FEW)
    want(talk, *FEW)
    talk.run()
    assert talk.violations == []
    assert called(talk) >= LISTINGS
    assert {sku: talk.subject.shows(sku) for sku in FEW} == dict.fromkeys(FEW, 7)


def test_a_feed_is_made_and_followed_as_the_model_says(
    stand: Stand, proxies: Mapping[str, str]
) -> None:
    talk = listings(stand, proxies, *MANY)
    want(talk, *MANY)
    talk.run()
    assert talk.violations == []
    assert called(talk) >= FEEDS
    assert {talk.subject.shows(sku) for sku in MANY} == {7}


def test_external_inventory_is_fetched_and_written_as_the_model_says(
    stand: Stand, proxies: Mapping[str, str]
) -> None:
    talk = external(stand, proxies, "tea", "mug")
    want(talk, "tea", "mug", "nobody's")
    talk.run()
    assert talk.violations == []
    assert {answer.status for _, answer in talk.judged} == {207}
    assert talk.subject.shows("tea") == 7
    assert talk.kinds("nobody's") == ["unmapped"]


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.UNAVAILABLE, Fault.EXPIRED])
@pytest.mark.parametrize("made", [listings, external])
def test_what_the_imitation_refuses_it_refuses_in_the_models_words(
    stand: Stand, proxies: Mapping[str, str], made: Callable[..., Judged], fault: Fault
) -> None:
    talk = made(stand, proxies, "tea")
    talk.subject.fail(fault)
    want(talk, "tea")
    talk.run()
    assert any(answer.status >= 400 for _, answer in talk.judged)
    assert talk.violations == []


def test_refused_and_unlisted_skus_are_told_as_the_model_says(
    stand: Stand, proxies: Mapping[str, str]
) -> None:
    talk = listings(stand, proxies, "tea", "bad")
    talk.subject.spoil("bad")
    want(talk, "bad", "nobody's", "nobody, either")
    talk.run()
    assert talk.violations == []
    assert talk.kinds("bad") == ["rejected"]
    assert talk.kinds("nobody's") == talk.kinds("nobody, either") == ["unmapped"]


class Careless(Imitation):
    """Spells in every answer otherwise what the model of listings requires there."""

    def answer(self, sent: Sent) -> Response | None:
        answer = super().answer(sent)
        if answer is None or "/auth/" in sent.url:
            return answer
        return msgspec.structs.replace(answer, body=answer.body.replace(b'"sku"', b'"SKU"'))


def test_an_answer_that_breaks_the_model_is_told(stand: Stand, proxies: Mapping[str, str]) -> None:
    talk = listings(stand, proxies, "tea", imitation=Careless)
    want(talk, "tea")
    talk.step()
    assert talk.violations == []
    talk.step()
    assert any("'sku'" in one for one in talk.violations)


def test_what_prism_answers_by_the_models_examples_our_adapters_read(
    stand: Stand, proxies: Mapping[str, str], mocks: Mapping[str, str]
) -> None:
    read: set[str] = set()
    for made, skus in ((listings, FEW), (external, ("tea",))):
        talk = made(stand, proxies, *skus)
        want(talk, *skus)
        talk.run()
        for name, request in each_operation(talk).items():
            read.add(name)
            reads_the_mock(made(stand, proxies), request, mocks)
    assert read == LISTINGS | FEEDS | {"batchInventory"}


def reads_the_mock(fresh: Judged, request: Request, mocks: Mapping[str, str]) -> None:
    (mock,) = [url for at, url in mocks.items() if request.path.startswith(at)]
    answer = asked_of(mock, on_the_wire(fresh.subject.url, request))
    assert violations_of(answer) == []
    assert 200 <= answer.status < 300
    told = fresh.adapter.receive(request, answer)
    assert told.trouble is None
    assert NOT_AMAZON not in {one.code for one in told.outcomes}


@pytest.mark.parametrize(
    ("made", "skus", "operations"),
    [
        (listings, FEW, LISTINGS - {"getFeeds"} | {"createFeedDocument", "createFeed"}),
        (external, ("tea",), {"batchInventory"}),
    ],
)
def test_what_breaks_the_model_by_prism_the_imitation_refuses(
    stand: Stand,
    proxies: Mapping[str, str],
    made: Callable[..., Judged],
    skus: tuple[str, ...],
    operations: set[str],
) -> None:
    talk = made(stand, proxies, *skus)
    want(talk, *skus)
    talk.run()
    broken = {name for name, one in each_operation(talk).items() if refused_alike(talk, one)}
    assert broken == operations


def each_operation(talk: Judged) -> dict[str, Request]:
    named = [(operation_of(request), request) for request, _ in talk.judged]
    return {operation.name: request for operation, request in named if operation is not None}
