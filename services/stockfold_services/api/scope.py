"""What a key that is limited to channels or locations may ask.

A question is about a channel or about a location, and the key must hold the one that it names.
What is about neither, such as a SKU over all locations, needs a key without such limits. So does
every route that is not in these tables: a new one is closed until somebody thinks of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fastapi import Request

from stockfold.runtime.keys import ApiKey
from stockfold.runtime.problems import Problem

CHANNEL, LOCATION = "channel", "location"
ABOUT = {
    "/console/channels/{channel}": CHANNEL,
    "/console/channels/{channel}/resend": CHANNEL,
    "/console/channels/{channel}/{verb}": CHANNEL,
    "/v1/availability": CHANNEL,
    "/v1/availability/changes": CHANNEL,
    "/v1/availability/{channel}/{sku:path}": CHANNEL,
    "/v1/channel-proofs": CHANNEL,
    "/v1/channel-versions": CHANNEL,
    "/v1/channels": CHANNEL,
    "/v1/deliveries": CHANNEL,
    "/v1/deliveries/{channel}/{sku:path}": CHANNEL,
    "/v1/listings": CHANNEL,
    "/v1/listings/times": CHANNEL,
    "/v1/monitor": CHANNEL,
    "/v1/order-cases": CHANNEL,
    "/v1/positions": LOCATION,
    "/v1/positions/{sku:path}": LOCATION,
    "/v1/skus/{sku:path}/atp": LOCATION,
}
"""The thing that a route is about, which a path or query parameter of that name says."""
BY_BODY = ("/v1/availability:batchGet",)
"""Routes that ask ``allow`` themselves, since their body says what they are about."""
NARROWED = (
    "/console/live/{what}",
    "/console/skus",
    "/console/skus/{sku:path}",
    "/console/orders",
    "/console/orders/{channel}/{order:path}",
    "/console/reservations",
)
"""Pages that show no more than ``reach`` allows."""
ABOUT_NOBODY = ("/contracts", "/registry", "/v1/runbooks", "/console/runbooks", "/console/static")
"""Descriptions: the same for everybody."""


_MORE = "It may ask only about these, and this question is about more."


class Reach(NamedTuple):
    """The channels and locations that a caller may see; None: all, empty: none."""

    channels: tuple[str, ...] | None = None
    locations: tuple[str, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the caller may see everything."""
        return self.channels is None and self.locations is None


def reach(request: Request) -> Reach:
    """How far the caller may see. Whoever is limited in one way may see nothing of the other."""
    key = _key(request)
    if key is None or (key.channels is None and key.locations is None):
        return Reach()
    return Reach(tuple(key.channels or ()), tuple(key.locations or ()))


async def within_scope(request: Request) -> None:
    """Problem 403 when the caller's key does not reach as far as the question."""
    key = _key(request)
    if key is None or (key.channels is None and key.locations is None):
        return
    path: str = request.scope["route"].path
    if path in BY_BODY or path in NARROWED or path.startswith(ABOUT_NOBODY):
        return
    thing = ABOUT.get(path)
    if thing is None:
        raise _refused(key, _MORE)
    asked = request.path_params.get(thing) or request.query_params.get(thing)
    allow(request, thing, [asked] if asked else [])


def whole_only(request: Request) -> None:
    """Problem 403 when the caller's key is limited to channels or locations."""
    key = _key(request)
    if key is not None and not reach(request).is_whole:
        raise _refused(key, _MORE)


def allow(request: Request, thing: str, names: Iterable[str]) -> None:
    """Problem 403 when the caller's key does not hold all these channels, or locations."""
    key = _key(request)
    if key is None or (key.channels is None and key.locations is None):
        return
    held = key.channels if thing == CHANNEL else key.locations
    asked = list(names)
    if held is None:
        raise _refused(key, f"This question is about a {thing}.")
    if not asked:
        raise _refused(key, f"Name the {thing} in the question: ?{thing}={held[0]}.")
    outside = [name for name in asked if name not in held]
    if outside:
        raise _refused(key, f"{thing.capitalize()} {outside[0][:100]!r} is none of them.")


def _key(request: Request) -> ApiKey | None:
    return getattr(request.state, "key", None)


def _refused(key: ApiKey, why: str) -> Problem:
    held = [
        f"{word} {', '.join(names)}"
        for word, names in (("channels", key.channels), ("locations", key.locations))
        if names is not None
    ]
    return Problem(
        403,
        "Not allowed",
        f"The key {key.name} is limited to {' and '.join(held)}. {why} Ask otherwise, or have a "
        "wider key made.",
    )
