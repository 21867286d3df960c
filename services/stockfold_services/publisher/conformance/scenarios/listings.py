"""Which listing is written: the one with exactly this SKU, once there is one."""

from __future__ import annotations

from stockfold.channels import OutcomeKind
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NotApplicable, Stage, few, see

REFUSED = ("unmapped", "rejected")
ODD = (
    "007", "0x1F", "1e5", "true", "null", "a b", " lead", "A/B", "A\\B", "100%", "x+y&z=1?", "#1",
    "it's", 'say "so"', "<b>bold</b>", "A,B", "A;B", "A:B*", "Größe-Ä", "日本語", "🎈", "(x)[y]{z}",
    "%2F", "../etc", "$ne", "-1", "=1+1", "x" * 40,
)  # fmt: skip


async def unmapped(stage: Stage) -> None:
    """One that the channel has not, among others; then the merchant lists it."""
    skus = stage.listed(5)
    stage.publish_all([*skus, "LATER"], 4)
    async with stage.connected():
        await stage.settled()
        stage.shows_all(skus)
        kind = stage.outcome("LATER").kind
        see(kind is OutcomeKind.UNMAPPED, f"a SKU that is not listed was told as {kind.value}")
        see(stage.subject.shows("LATER") is None, "it was listed by us")
        stage.subject.list("LATER", 1)
        stage.publish("LATER", 6)
        await stage.ends_right(["LATER", *skus])


async def relisted(stage: Stage) -> None:
    """Taken off the channel after it was written, and listed anew: often with another id."""
    skus = stage.listed(4)
    stage.publish_all(skus, 4)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.unlist(skus[0])
        stage.publish_all(skus, 5)
        await stage.settled()
        stage.shows_all(skus[1:])
        kind = stage.outcome(skus[0]).kind.value
        see(kind in REFUSED, f"a SKU that was taken off was told as {kind}")
        stage.subject.list(skus[0], 9)
        stage.publish_all(skus, 6)
        await stage.ends_right()


async def odd_skus(stage: Stage) -> None:
    """Characters that URLs, JSON, CSV, queries and file names make something else of."""
    can_be, cannot_be = [], []
    for sku in ODD:
        try:
            stage.subject.list(sku, 1)
        except ValueError:
            cannot_be.append(sku)
        else:
            can_be.append(sku)
    for number, sku in enumerate(ODD):
        stage.publish(sku, 10 + number)
    async with stage.connected():
        await stage.settled()
    stage.shows_all(can_be)
    wrong = [sku for sku in cannot_be if stage.outcome(sku).kind.value not in REFUSED]
    see(not wrong, f"cannot be listed, and were not told as unmapped or rejected: {few(wrong)}")


async def read(stage: Stage) -> None:
    """``Adapter.read`` and ``changed_orders``, as they are asked before a write."""
    skus = stage.listed(3, 8)
    stage.publish_all(skus, 5)
    async with stage.connected():
        await stage.ends_right()
    stage.subject.sell(skus[0], 2)
    shall = {sku: stage.subject.shows(sku) for sku in skus}
    shown = {one.sku: one.quantity for one in await stage.read(skus)}
    see(shown == shall, f"a read told {shown}, and the channel shows {shall}")
    reading = stage.adapter.changed_orders(0)
    asked = 0
    while (request := reading.request) is not None:
        see(asked < 100, "a reading of changed orders of a channel without any takes 100 requests")
        asked += 1
        page = reading.receive(await stage.perform(request))
        see(page.trouble is None, f"the reading of changed orders met {page.trouble}")


async def locations(stage: Stage) -> None:
    """Units by location, and the same units elsewhere."""
    if not stage.kind.per_location:
        raise NotApplicable("its kind is told no locations apart")
    names = dict(stage.subject.locations)
    see(len(names) > 1, "the kind is per location, and its subject has fewer than two of them")
    ours = list(names)
    sku = "BY-PLACE"
    stage.subject.list(sku, 0, dict.fromkeys(names.values(), 0))
    async with stage.connected():
        for first, second in ((5, 3), (3, 5), (0, 4), (0, 0)):
            stage.publish(sku, first + second, ((ours[0], first), (ours[1], second)))
            await stage.settled()
            kind = stage.outcome(sku)
            see(kind.kind is OutcomeKind.APPLIED, f"told as {kind.kind.value}: {kind.detail}")
            shows = {name: n for name, n in stage.subject.shows_at(sku).items() if n}
            told = {names[ours[0]]: first, names[ours[1]]: second}
            shall = {name: units for name, units in told.items() if units}
            see(shows == shall, f"its locations show {shows} instead of {shall}")


SCENARIOS = (
    Scenario("unmapped", "A SKU that is not listed is told, and sent once it is", unmapped),
    Scenario("relisted", "A SKU that is taken off and listed anew is found again", relisted),
    Scenario("odd-skus", "SKUs with odd characters reach the very listing they name", odd_skus),
    Scenario("read", "A read tells what the listings show", read),
    Scenario("locations", "Each location shows its own units", locations),
)
