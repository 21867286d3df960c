"""What people and guards said of each channel: how far a canary gets, and what must wait."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Self

from stockfold.contracts.topics import CHANNEL_CONTROL, CHANNEL_COVERAGE
from stockfold.runtime.channel_control import ControlBook
from stockfold.runtime.channel_coverage import CoverageBook
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.sweeper.canary import UpTo


class Situation:
    """Of every channel, as Kafka has it; an asynchronous context."""

    def __init__(self, settings: Settings) -> None:
        self._coverage = CoverageBook()
        self._controls = ControlBook()
        self._followed = [
            FollowedTopic(settings, CHANNEL_COVERAGE, "sweeper.coverage", self._coverage.apply),
            FollowedTopic(settings, CHANNEL_CONTROL, "sweeper.control", self._controls.apply),
        ]
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for topic in self._followed:
            await self._stack.enter_async_context(topic)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def known(self) -> None:
        """Return once everything was read to its end."""
        await asyncio.gather(*(topic.known.wait() for topic in self._followed))

    def up_to(self, channel: ChannelSettings) -> UpTo:
        """Whether the canary is written to the shop; else it is recorded what would be."""
        publishing, sku = channel.publishing, channel.monitor.sku
        if publishing.mode == "canary":
            return "shop" if sku in publishing.canary_skus else "shadow"
        if publishing.mode != "live":
            return "shadow"
        admission = self._coverage.admission(channel.name)
        is_live = admission is not None and admission.url == channel.url
        return "shop" if is_live or publishing.coverage == "reported" else "shadow"

    def hindered(self, channel: ChannelSettings) -> str:
        """Why the canary cannot get anywhere now; empty when it can."""
        if channel.publishing.mode == "off":
            return "the connection is off"
        control = self._controls.of(channel.name)
        if control.state == "running":
            return ""
        return f"the channel is {control.state}: {control.reason}"

    def is_paused(self, channel: ChannelSettings) -> bool:
        """Whether a person wants nothing to be written to the shop now."""
        return self._controls.of(channel.name).state == "paused"
