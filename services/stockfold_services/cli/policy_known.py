"""What policies may refer to: locations, tags, pools that fenced units come from, and channels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

import msgspec

from stockfold.availability.fitness import Problem
from stockfold.availability.policy import Policy
from stockfold.channels.kinds import kind_of
from stockfold.runtime.settings import Settings


class Known(msgspec.Struct, frozen=True):
    """What is known of locations and stock.

    Without locations, or with tags of None, nothing is known of them: any name is taken.
    ``listed`` is where the locations are listed. ``bases`` are those that a channel's field has, by
    the kind of each channel of the settings. ``overlaps`` finds the ring-fences of wanted
    policies that cannot all be met, each with the number of its policy.
    """

    locations: Collection[str] = ()
    listed: str = "[[locations]]"
    tags: Collection[str] | None = None
    bases: Mapping[str, tuple[str, ...]] = {}
    overlaps: Callable[[list[Policy]], Iterable[tuple[int, Problem]]] = lambda _: ()


def known_of_settings(settings: Settings) -> Known:
    """What the settings say."""
    return Known([location.name for location in settings.locations], bases=bases_of(settings))


def bases_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The bases that the field of each channel has to which stock is published."""
    return {
        channel.name: kind_of(channel.kind).bases
        for channel in settings.channels
        if channel.is_published
    }


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
    bases = known.bases.get(policy.channel, (policy.basis,))
    if policy.basis not in bases:
        holds = f"{policy.basis} is not what the field of this channel holds: {' or '.join(bases)}"
        yield ("basis",), f"{holds}; its own open orders would be taken off twice, or not at all"


def _near(name: str, names: Collection[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f"; did you mean {near[0]}?" if near else ""
