"""Which number goes out: clamped, on the field's own basis, place by place."""

from __future__ import annotations

from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NotApplicable, Stage, see

MOST = 1_000_000_000


async def clamped(stage: Stage) -> None:
    """Nothing, less than nothing, and more than anybody has."""
    skus = stage.listed(3, 4)
    wanted = dict(zip(skus, (0, -5, MOST), strict=True))
    for sku, quantity in wanted.items():
        stage.publish(sku, quantity)
    async with stage.connected():
        await stage.ends_right()
    for sku in skus[:2]:
        shows = stage.subject.shows(sku)
        see(shows == 0, f"{wanted[sku]} is shown as {shows} instead of 0")
    shows = stage.subject.shows(skus[2]) or 0
    see(0 < shows <= MOST, f"{MOST:,} is shown as {shows:,}")


async def sold_there(stage: Stage) -> None:
    """A sale between two writes, which our next quantity knows of."""
    sku, other = stage.listed(2)
    stage.publish_all([sku, other], 10)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.sell(sku, 3)
        shows = stage.subject.shows(sku)
        basis = {7: "net", 10: "gross"}.get(shows if shows is not None else -1)
        see(
            basis in stage.kind.bases,
            f"after a sale of 3 of 10 its field shows {shows}; the kind's bases are "
            f"{', '.join(stage.kind.bases)}",
        )
        stage.publish(other, 4)
        await stage.settled()
        see(stage.subject.shows(sku) == shows, f"a write of {other} changed {sku}")
        for quantity in (7, 6):
            stage.publish(sku, quantity)
            await stage.ends_right()
            left = stage.subject.shows(sku)
            see(left == quantity, f"{quantity} was published after a sale of 3, {left} is shown")


async def gross(stage: Stage) -> None:
    """What the channel takes away itself is not taken away by us."""
    if "gross" not in stage.kind.bases:
        raise NotApplicable("its field is net: what was sold there has left it")
    (sku,) = stage.listed(1)
    stage.publish(sku, 10)
    async with stage.connected():
        await stage.ends_right()
        stage.subject.sell(sku, 3)
        if stage.subject.shows(sku) != 10:
            raise NotApplicable("the field that the subject's options choose is net")
        for quantity in (10, 12, 3):
            stage.publish(sku, quantity)
            await stage.ends_right()
            shows = stage.subject.shows(sku)
            see(shows == quantity, f"{quantity} counts what it has sold, but it shows {shows}")


SCENARIOS = (
    Scenario("clamped", "0 and less are shown as 0, and a thousand million is no error", clamped),
    Scenario("sold-there", "What the channel sold between our writes is not put back", sold_there),
    Scenario("gross", "On a gross basis the field holds what is published, sales or not", gross),
)
