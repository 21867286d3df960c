"""The newest version stays, whatever comes late, and whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.channels import OutcomeKind
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NotApplicable, Stage, few, see

MANY = 200
CRASHES = 4
ACCEPTED_S_MAX = 4 * 3_600.0


async def stale(stage: Stage) -> None:
    """Versions follow each other faster than requests, and some requests time out."""
    skus = stage.listed(20)
    async with stage.connected():
        for quantity in (5, 9, 2, 7, 3):
            stage.publish_all(skus, quantity)
            stage.lost_writes = 1
            await stage.until(lambda: stage.feed.is_read, "reading of all", 60.0)
        stage.publish_all(skus, 4)
        await stage.ends_right()
    for sku in skus:
        written = stage.written(sku)
        see(written[-1] == 4, f"{sku}: 4 is the newest, and written was {written}")
        places = [(5, 9, 2, 7, 3, 4).index(quantity) for quantity in written]
        see(places == sorted(places), f"{sku}: an older quantity came after a newer one, {written}")


async def restart(stage: Stage) -> None:
    """The process is killed several times, amid writes."""
    skus = stage.listed(MANY)
    stage.publish_all(skus, 5)
    for number in range(CRASHES):
        goal = (number + 1) * MANY // (CRASHES + 1)
        async with stage.connected(crash=True):
            await stage.until(
                lambda goal=goal: len(stage.subject.writes) >= goal or _accepted(stage) > 0,  # type: ignore[misc] # bound at once
                "write of anything",
                ACCEPTED_S_MAX,
            )
        stage.witness.outcomes.clear()
        for sku in skus[number :: CRASHES + 1]:
            stage.publish(sku, 6 + number)
    async with stage.connected():
        await stage.ends_right()


async def newer_while_accepted(stage: Stage) -> None:
    """A newer version, and a zero, come while the channel has yet to do what it accepted."""
    skus = stage.listed(MANY)
    async with stage.connected():
        await _until_accepted(stage, skus)
        stage.publish_all(skus[::2], 8)
        stage.publish(skus[0], 0)
        await stage.ends_right()
    # What was accepted first may still be carried out.
    await stage.later()
    stage.shows_all()


async def restart_while_accepted(stage: Stage) -> None:
    """Killed while the channel has yet to do what it accepted; then zeros are written, at once."""
    skus = stage.listed(MANY)
    async with stage.connected(crash=True):
        await _until_accepted(stage, skus)
    stage.publish_all(skus[:10], 0)
    async with stage.connected():
        await stage.ends_right()
    await stage.later()
    wrong = [sku for sku in skus[:10] if stage.subject.shows(sku) != 0]
    see(not wrong, f"what the life before had sent overwrote a newer version of {few(wrong)}")
    stage.shows_all()


async def _until_accepted(stage: Stage, skus: Sequence[str]) -> None:
    """Have many SKUs written until half of them are accepted; when none is, those known by then."""
    for quantity in (4, 5):
        stage.publish_all(skus, quantity)
        await stage.until(
            lambda: _accepted(stage) >= MANY // 2 or not stage.waiting,
            "outcome of anything",
            ACCEPTED_S_MAX,
        )
        if _accepted(stage):
            return
    raise NotApplicable("it does at once what it is asked: nothing is only accepted")


def _accepted(stage: Stage) -> int:
    outcomes = stage.witness.outcomes
    return len({one.update.sku for one in outcomes if one.kind is OutcomeKind.ACCEPTED})


SCENARIOS = (
    Scenario("stale", "An older version never overwrites a newer one", stale),
    Scenario("restart", "A process killed amid writes loses nothing", restart),
    Scenario(
        "newer-while-accepted",
        "What comes while a write is only accepted wins over it",
        newer_while_accepted,
    ),
    Scenario(
        "restart-while-accepted",
        "What a killed process had accepted never overwrites what is written after it",
        restart_while_accepted,
    ),
)
