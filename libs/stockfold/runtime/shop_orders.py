"""What a channel's settings say about reading its orders."""

from __future__ import annotations

from stockfold.channels.orders import OrderStatus
from stockfold.channels.woocommerce.orders import OrderTerms
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import ChannelSettings, Settings


def terms_of(channel: ChannelSettings) -> OrderTerms:
    """How the orders of a WooCommerce channel are read."""
    statuses = {name: OrderStatus(word) for name, word in channel.orders.statuses.items()}
    return OrderTerms(channel.name, channel.orders.hold_minutes, statuses)


def webhook_address(settings: Settings, channel: ChannelSettings) -> str:
    """Where a shop's webhooks go; SettingsError when nobody has said how it reaches the gateway."""
    if settings.gateway.public_url is None:
        raise SettingsError(
            "nobody has said how shops reach the gateway",
            where="gateway.public_url",
            remedy="Set it to the address that your proxy forwards to the gateway, such as "
            "https://stock.example.",
        )
    return f"{settings.gateway.public_url}/v1/webhooks/{channel.name}"
