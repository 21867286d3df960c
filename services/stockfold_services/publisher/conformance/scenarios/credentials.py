"""Credentials: refused, ended, renewed in time, and never told."""

from __future__ import annotations

from stockfold.channels import Response
from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Renewing
from stockfold.domain.times import SECOND_US
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NotApplicable, Stage, see

STEPS_S = (7 * 60.0,) * 30 + (80 * 60.0,) * 24
"""Together 35 hours; no vendor's token that we know lives longer than 24."""
ONE_S_MAX = 900.0
TEN_YEARS_S = 10 * 365 * 86_400
REFUSED = (401, 403)


async def expired(stage: Stage) -> None:
    """Credentials are refused that were good a moment ago."""
    skus = stage.listed(30)
    stage.publish_all(skus, 4)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.fail(Fault.EXPIRED)
        stage.publish_all(skus, 9)
        await stage.ends_right()


async def renewed(stage: Stage) -> None:
    """Hours go by, with a change now and then."""
    _are_handed_out(stage)
    (sku,) = stage.listed(1)
    for number, seconds in enumerate(STEPS_S, 1):
        stage.publish(sku, number)
        async with stage.connected():
            await stage.ends_right(within_s=ONE_S_MAX)
        await stage.later(seconds)
    refused = [one for one in stage.wire.exchanges if one.status in REFUSED]
    see(not refused, f"{len(refused)} requests went out with credentials that had ended")


async def none_to_be_had(stage: Stage) -> None:
    """Where credentials are handed out, nothing but errors comes for a while."""
    _are_handed_out(stage)
    skus = stage.listed(10)
    stage.publish_all(skus, 4)
    left = 8

    def away(_: Sent, answer: Response | None) -> Response | None:
        nonlocal left
        left -= 1
        return answer if left < 0 else Response(503, {"content-type": "text/html"}, b"<html>")

    stage.wire.change = away
    async with stage.connected():
        await stage.ends_right()


def _are_handed_out(stage: Stage) -> None:
    adapter = stage.adapter
    later_s = int(stage.clock.now_us() // SECOND_US) + TEN_YEARS_S
    if not isinstance(adapter, Renewing) or adapter.renewal(later_s) is None:
        raise NotApplicable("its credentials do not end by themselves")


async def untold(stage: Stage) -> None:
    """Errors and pages that quote what they were asked with, credentials and all."""
    skus = stage.listed(10)
    left = 0

    def quoting(status: int, sent: Sent) -> Response:
        heads = "\r\n".join(f"{name}: {value}" for name, value in sent.headers.items())
        quoted = f"<p>{sent.method} {sent.url}</p><pre>{heads}</pre>".encode() + sent.body[:500]
        return Response(status, {"content-type": "text/html"}, quoted)

    def quote(sent: Sent, answer: Response | None) -> Response | None:
        nonlocal left
        left -= 1
        return answer if left < 0 else quoting((400, 401, 403, 500)[left % 4], sent)

    stage.wire.change = quote
    async with stage.connected():
        for quantity in (4, 9):
            left = 8
            stage.publish_all(skus, quantity)
            await stage.settled()
    # Whether it was told is looked at after every scenario.


SCENARIOS = (
    Scenario("expired", "Credentials that are refused are renewed, or waited for", expired),
    Scenario("renewed", "Credentials are renewed before they end", renewed),
    Scenario("no-credentials", "While there are none to be had, nothing is lost", none_to_be_had),
    Scenario("untold", "No credential is told, whatever the channel quotes", untold),
)
