"""No faster than the channel lets us."""

from __future__ import annotations

from stockfold.channels import TroubleKind
from stockfold.channels.port import Metered
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import NotApplicable, Stage, see

MANY = 300
ROUNDS = 3


async def budget(stage: Stage) -> None:
    """All that changes, again and again, with nobody slowing us down but ourselves."""
    if not isinstance(stage.adapter, Metered):
        raise NotApplicable("the adapter names no budget: the channel has none that is documented")
    skus = stage.listed(MANY)
    async with stage.connected():
        for number in range(ROUNDS):
            stage.publish_all(skus, 5 + number)
            await stage.ends_right()
    limited = [one for one in stage.witness.troubles if one.kind is TroubleKind.LIMITED]
    see(not limited, f"it was throttled {len(limited)} times: {limited[:1]}")


SCENARIOS = (
    Scenario("budget", "The channel's rate limits are kept to before it has to say so", budget),
)
