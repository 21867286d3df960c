"""The channel that a command names."""

from __future__ import annotations

from stockfold.domain.errors import SettingsError
from stockfold.runtime.channel_kinds import WOOCOMMERCE
from stockfold.runtime.settings import ChannelSettings, Settings


def woocommerce_channel(settings: Settings, name: str, remedy: str) -> ChannelSettings:
    """The WooCommerce channel of this name.

    SettingsError when there is none; ``remedy`` says what to do about one of another kind.
    """
    channel = channel_named(settings, name)
    if channel.kind == WOOCOMMERCE:
        return channel
    raise SettingsError(f"channel {name} is {channel.kind}", where="NAME", remedy=remedy)


def published_channel(settings: Settings, name: str) -> ChannelSettings:
    """The channel of this name. SettingsError when there is none, or nothing is published to it."""
    channel = channel_named(settings, name)
    if channel.is_published:
        return channel
    raise SettingsError(
        f"nothing is published to channel {name}",
        where="NAME",
        remedy="Its orders alone are taken; with credentials, stock is published to it too.",
    )


def channel_named(settings: Settings, name: str) -> ChannelSettings:
    """The channel of this name, of whatever kind. SettingsError when there is none."""
    for channel in settings.channels:
        if channel.name == name:
            return channel
    names = ", ".join(channel.name for channel in settings.channels) or "none"
    raise SettingsError(
        f"there is no channel {name!r}", where="NAME", remedy=f"The settings name: {names}."
    )
