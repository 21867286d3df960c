"""One thing that every adapter must do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from stockfold_services.publisher.conformance.stage import Stage


class Scenario(msgspec.Struct, frozen=True):
    """``sentence`` is what is so when ``play`` raises nothing.

    ``play`` raises NotSo when it is not so, NotApplicable when the channel has no such thing.
    """

    name: str
    sentence: str
    play: Callable[[Stage], Awaitable[None]]
