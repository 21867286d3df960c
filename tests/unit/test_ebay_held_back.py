"""Near the end of a listing's revisions, by the publisher's own connection: held back, not lost."""

from __future__ import annotations

import msgspec

from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.ebay.kind import KIND
from stockfold.channels.port import OutcomeKind
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import Stage
from stockfold_services.publisher.conformance.suite import play


def few_revisions() -> FakeEbay:
    """Six a day, of which two are kept; it is two hours before eBay's next day."""
    ebay = FakeEbay()
    ebay.advance(6 * 3_600)
    ebay.options = {**ebay.options, "revisions_per_day": 6, "revisions_kept": 2}
    return ebay


async def held(stage: Stage) -> None:
    """Four revisions are used, and the fifth is held back."""
    stage.subject.list("tea", 1)
    for quantity in (11, 12, 13, 14):
        stage.publish("tea", quantity)
        await stage.settled()
    stage.publish("tea", 20)
    await stage.later(600)
    assert stage.subject.shows("tea") == 14
    assert stage.waiting == ["tea"]


async def written_on_the_next_day(stage: Stage) -> None:
    async with stage.connected():
        await held(stage)
        requests = len(stage.asked)
        await stage.settled(3 * 3_600)
        assert stage.subject.shows("tea") == 20
        assert stage.outcome("tea").kind is OutcomeKind.APPLIED
        assert 2 <= len(stage.asked) - requests <= 5, "it was looked at each hour, not more"


async def zero_is_written_at_once(stage: Stage) -> None:
    async with stage.connected():
        await held(stage)
        stage.publish("tea", 0)
        await stage.settled(10)
        assert stage.subject.shows("tea") == 0
        stage.publish("tea", 3)
        await stage.settled(10)
        assert stage.subject.shows("tea") == 3


def test_what_is_held_back_is_written_on_the_next_day() -> None:
    kind = msgspec.structs.replace(KIND, subject=few_revisions)
    verdict = play(kind, Scenario("held", "It is written.", written_on_the_next_day))
    assert (verdict.result, verdict.detail) == ("pass", "")


def test_a_zero_and_a_return_overtake_what_is_held_back() -> None:
    kind = msgspec.structs.replace(KIND, subject=few_revisions)
    verdict = play(kind, Scenario("zero", "It is written.", zero_is_written_at_once))
    assert (verdict.result, verdict.detail) == ("pass", "")
