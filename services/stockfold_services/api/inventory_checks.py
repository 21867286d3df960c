"""Which channels may ask at their checkout what there is, and how they prove themselves.

They have a user name and a password of their own instead of an API key, since that is what
marketplaces can send (eBay's real-time inventory check: HTTP Basic).
"""

from __future__ import annotations

import base64
import hmac
import logging
from types import TracebackType
from typing import Self

from fastapi import Request

from stockfold.channels import Adapter
from stockfold.channels.kinds import Terms, kind_of
from stockfold.contracts.topics import CHANNEL_CONTROL
from stockfold.domain.errors import SettingsError
from stockfold.runtime.channel_control import Control, ControlBook
from stockfold.runtime.channel_kinds import options_of
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.problems import Problem
from stockfold.runtime.rates import Rate
from stockfold.runtime.settings import ChannelSettings, Settings

log = logging.getLogger(__name__)

PATH = "/v1/inventory-check/"
BODY_BYTES_MAX = 64 * 1024


class InventoryChecks:
    """The channels that may ask. A context that follows what each channel shall do."""

    def __init__(self, settings: Settings) -> None:
        self._channels = {one.name: one for one in settings.channels if one.inventory_check.user}
        self._adapters = {name: _adapter(one) for name, one in self._channels.items()}
        self._rates = {name: Rate() for name in self._channels}
        self._book = ControlBook()
        self._followed = FollowedTopic(
            settings, CHANNEL_CONTROL, "api.inventory-check", self._book.apply
        )

    async def __aenter__(self) -> Self:
        if self._channels:
            await self._followed.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._channels:
            await self._followed.__aexit__(kind, error, trace)

    def admit(self, request: Request) -> None:
        """Let the channel of the path in. Problem 401, also for one that may not ask."""
        name = request.scope["path"].removeprefix(PATH)
        channel = self._channels.get(name)
        user, password = _told(request)
        wanted = ("", "") if channel is None else _wanted(channel)
        # Both are compared, and for a channel that nobody knows, too: time tells nothing.
        is_user = hmac.compare_digest(user.encode(), wanted[0].encode())
        is_password = hmac.compare_digest(password.encode(), wanted[1].encode())
        if channel is None or not (is_user and is_password):
            log.warning("refused: an inventory check of %r without its password", name[:100])
            raise Problem(
                401,
                "Not signed in",
                "Send the user name and password of the channel's inventory check by HTTP Basic.",
                www_authenticate='Basic realm="stockfold inventory check", charset="UTF-8"',
            )

    def channel(self, name: str) -> ChannelSettings:
        """One that may ask, and that was admitted."""
        return self._channels[name]

    def adapter(self, name: str) -> Adapter:
        """What knows how availability is shown there."""
        return self._adapters[name]

    def control(self, name: str) -> Control:
        """What the channel shall do now. Problem 503 until that was read once."""
        if not self._followed.known.is_set():
            raise Problem(503, "Not available now", "What channels shall do was not read yet.")
        return self._book.of(name)

    def count(self, name: str, skus: int) -> None:
        """Count SKUs against the rate of the channel. Problem 429 beyond it, then none counts."""
        per_s = self._channels[name].inventory_check.skus_per_s
        wait_s = self._rates[name].wait_s(per_s, skus)
        if wait_s:
            detail = f"The channel {name} may ask for {per_s} SKUs a second."
            raise Problem(429, "Too many questions", detail, retry_after_s=wait_s)


def _adapter(channel: ChannelSettings) -> Adapter:
    kind = kind_of(channel.kind)
    options = options_of(kind, channel.options)
    return kind.adapter(
        Terms(channel.name, channel.url, channel.credential, options, channel.location_names)
    )


def _wanted(channel: ChannelSettings) -> tuple[str, str]:
    """What a channel must prove itself with, read anew: files are replaced while we run."""
    check = channel.inventory_check
    assert check.password is not None, "settings have both or none"
    try:
        return check.user, check.password.resolve()
    except SettingsError as error:
        log.error("%s: %s", channel.name, error)  # noqa: TRY400 - it says all there is
        raise Problem(503, "Not available now", "The password cannot be read here.") from error


def _told(request: Request) -> tuple[str, str]:
    """The user name and password of a request; empty where there are none."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(told.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password
