"""What policies may refer to: locations, tags, and the pools that fenced units come from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches

import msgspec

from stockfold.availability.fitness import Problem
from stockfold.availability.policy import Policy
from stockfold.runtime.settings import Settings


class Known(msgspec.Struct, frozen=True):
    """What is known of locations and stock.

    Without locations, or with tags of None, nothing is known of them: any name is taken.
    ``listed`` is where the locations are listed. ``overlaps`` finds the ring-fences of wanted
    policies that cannot all be met, each with the number of its policy.
    """

    locations: Collection[str] = ()
    listed: str = "[[locations]]"
    tags: Collection[str] | None = None
    overlaps: Callable[[list[Policy]], Iterable[tuple[int, Problem]]] = lambda _: ()


def known_of_settings(settings: Settings) -> Known:
    """What the settings say."""
    return Known([location.name for location in settings.locations])


def objections(policy: Policy, known: Known) -> Iterator[Problem]:
    """What the policy refers to and nobody knows, with the place in the policy."""
    places = [(("locations", n), location) for n, location in enumerate(policy.locations or ())] + [
        (("safety_stock", n, "location"), rule.location)
        for n, rule in enumerate(policy.safety)
        if rule.location
    ]
    for place, location in places:
        if known.locations and location not in known.locations:
            near = _near(location, known.locations)
            yield place, f"location {location} is not one of {known.listed}{near}"
    for n, tag in enumerate(policy.tags):
        if known.tags is not None and tag not in known.tags:
            yield ("tags", n), f"no location has the tag {tag}{_near(tag, known.tags)}"


def _near(name: str, names: Collection[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else ""
