"""The adapter that a channel's settings ask for."""

from __future__ import annotations

from stockfold.channels import Adapter
from stockfold.channels.kinds import Terms, kind_of
from stockfold.runtime.channel_kinds import WOOCOMMERCE, options_of
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import woocommerce


def adapter_of(channel: ChannelSettings) -> Adapter:
    """A new adapter of the channel's kind. SettingsError when a secret is missing.

    A WooCommerce shop has settings of its own (``[channels.stock]``, ``[channels.orders]``).
    """
    if channel.kind == WOOCOMMERCE:
        return woocommerce(channel)
    kind = kind_of(channel.kind)
    for name in kind.credentials:
        channel.credential(name)  # What is missing is told now, not with the first request.
    options = options_of(kind, channel.options)
    return kind.adapter(
        Terms(channel.name, channel.url, channel.credential, options, channel.location_names)
    )


def reads_before_writing(channel: ChannelSettings) -> bool:
    """Whether its adapter asks what was sold there before it writes."""
    return kind_of(channel.kind).reads
