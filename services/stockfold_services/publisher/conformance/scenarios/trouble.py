"""What goes wrong with single items, with requests, and with the channel."""

from __future__ import annotations

from stockfold.channels import Failure, OutcomeKind, Purpose, Request, Response
from stockfold.channels.conformance import Fault, Sent
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import Stage, see

ENDED = (OutcomeKind.REJECTED, OutcomeKind.GAVE_UP)
OUTAGE = 25
POISON = "SKU-13"
LATER_S = "40"


async def spoiled(stage: Stage) -> None:
    """The channel refuses one item of many, by its own words for it."""
    skus = stage.listed(40)
    stage.subject.spoil(POISON)
    stage.publish_all(skus, 5)
    async with stage.connected():
        await stage.settled()
    _all_but_one(stage, skus)


async def poisonous(stage: Stage) -> None:
    """Whatever request holds one item fails as a whole, with 500."""
    skus = stage.listed(40)

    def choke(request: Request) -> Response | Failure | None:
        held = {update.sku for update in request.updates}
        if request.purpose is not Purpose.WRITE or POISON not in held:
            return None
        return Response(500, {"content-type": "text/html"}, b"<html>Internal error</html>")

    stage.instead = choke
    stage.publish_all(skus, 5)
    async with stage.connected():
        await stage.settled()
    _all_but_one(stage, skus)


def _all_but_one(stage: Stage, skus: list[str]) -> None:
    stage.shows_all([sku for sku in skus if sku != POISON])
    end = stage.outcome(POISON)
    see(end.kind in ENDED, f"the item that cannot be written was told as {end.kind.value}")
    see(bool(end.detail), "why the item cannot be written was not told")


async def unsent(stage: Stage) -> None:
    """Requests vanish on the way, and nothing tells them from those that did not."""
    skus = stage.listed(30)
    for quantity in (4, 9):
        stage.publish_all(skus, quantity)
        stage.wire.drops = 4
        async with stage.connected():
            await stage.ends_right()


async def lost(stage: Stage) -> None:
    """A write is carried out, and its answer never comes."""
    (sku,) = stage.listed(1)
    stage.publish(sku, 3)
    async with stage.connected():
        await stage.ends_right()
        before = len(stage.written(sku))
        stage.lost_writes = 1
        stage.publish(sku, 8)
        await stage.ends_right()
        stage.publish(sku, 2)
        await stage.ends_right()
    written = stage.written(sku)[before:]
    see(written in ([8, 2], [8, 8, 2]), f"8, then 2 was published, and written was {written}")


async def lost_everywhere(stage: Stage) -> None:
    """Answers get lost by the channel's own fault, a few in a row, among many SKUs."""
    skus = stage.listed(60)
    for quantity in (4, 9):
        stage.publish_all(skus, quantity)
        stage.subject.fail(Fault.LOST, 4)
        async with stage.connected():
            await stage.ends_right()


async def broken(stage: Stage) -> None:
    """A write is done in part, and an error comes."""
    skus = stage.listed(50)
    stage.publish_all(skus, 4)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.fail(Fault.BROKEN, 3)
        stage.publish_all(skus, 9)
        await stage.ends_right()


async def storm(stage: Stage) -> None:
    """The channel is away for long, at first and again in the middle."""
    skus = stage.listed(120)
    stage.subject.fail(Fault.UNAVAILABLE, OUTAGE)
    stage.publish_all(skus, 4)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.fail(Fault.UNAVAILABLE, OUTAGE)
        stage.publish_all(skus, 9)
        await stage.ends_right()
    see(bool(stage.witness.troubles), "not one answer of 503 was told as the channel's trouble")


async def garbage(stage: Stage) -> None:
    """A page of HTML with status 200 stands in the way."""
    skus = stage.listed(30)
    stage.publish_all(skus, 4)
    stage.subject.fail(Fault.GARBAGE, 4)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.fail(Fault.GARBAGE, 4)
        stage.publish_all(skus, 9)
        await stage.ends_right()


async def throttled(stage: Stage) -> None:
    """Too fast, and nobody says for how long."""
    stage.wire.change = lambda _, answer: _with_retry_after(answer, None)
    await _throttled(stage)


async def retry_after(stage: Stage) -> None:
    """Too fast, and it is said for how long."""
    throttled_s: list[float] = []

    def late(_: Sent, answer: Response | None) -> Response | None:
        if answer is not None and answer.status in (429, 503):
            throttled_s.append(stage.clock.monotonic_s())
        return _with_retry_after(answer, LATER_S)

    stage.wire.change = late
    await _throttled(stage)
    for at_s in throttled_s:
        early = [
            one.at_s
            for one in stage.wire.exchanges
            if at_s + 1.0 < one.at_s < at_s + float(LATER_S)
        ]
        see(not early, f"asked to wait {LATER_S} s, it asked again after {_after(early, at_s)} s")


async def _throttled(stage: Stage) -> None:
    skus = stage.listed(60)
    stage.publish_all(skus, 4)
    stage.subject.fail(Fault.THROTTLED, 3)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.fail(Fault.THROTTLED, 6)
        stage.publish_all(skus, 9)
        await stage.ends_right()
    kinds = {trouble.kind.value for trouble in stage.witness.troubles}
    see("limited" in kinds, f"being throttled was told as {', '.join(kinds) or 'no trouble'}")


def _after(early: list[float], at_s: float) -> str:
    return f"{early[0] - at_s:.1f}" if early else ""


def _with_retry_after(answer: Response | None, seconds: str | None) -> Response | None:
    if answer is None or answer.status not in (429, 503):
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "retry-after"}
    if seconds is not None:
        headers["retry-after"] = seconds
    return Response(answer.status, headers, answer.body)


SCENARIOS = (
    Scenario("partial-failure", "One item that is refused is told, the others arrive", spoiled),
    Scenario("poison", "An item that breaks every request with it is split off", poisonous),
    Scenario("unsent", "A request that never arrives is made again", unsent),
    Scenario("lost", "After a time-out a write is repeated once at most, and ends right", lost),
    Scenario("lost-answers", "Lost answers lose no change", lost_everywhere),
    Scenario("half-done", "A write that is half done is done again", broken),
    Scenario("storm", "A channel that is away for long is probed, and nothing is lost", storm),
    Scenario("garbage", "A page of HTML in the way is no answer", garbage),
    Scenario("throttle", "Being told to slow down loses nothing", throttled),
    Scenario("retry-after", "Retry-After is waited for", retry_after),
)
