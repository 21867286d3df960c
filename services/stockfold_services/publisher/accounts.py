"""Which connections share an account's rate budget: those whose requests name a bucket in common.

Every process finds the same out from the same settings, so that they agree on the parts of a budget
without a word (decision record 0034).
"""

from __future__ import annotations

from stockfold.channels import Adapter, Metered, StockUpdate
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.clock import Clock
from stockfold.runtime.rate_budgets import Budgets, of_one_account
from stockfold.runtime.settings import Settings

_ANY = StockUpdate("any", 1, 1)


def budgets_of(settings: Settings, clock: Clock) -> Budgets:
    """The budgets of this process's connections. SettingsError when a secret is missing."""
    buckets = {
        channel.name: _buckets(adapter_of(channel))
        for channel in settings.channels
        if channel.is_published
    }
    serving = [
        channel
        for channel in settings.channels
        if channel.is_published and channel.publishing.mode != "off"
    ]
    kinds = {channel.name: channel.kind for channel in serving}
    return Budgets(clock, of_one_account(kinds, buckets))


def _buckets(adapter: Adapter) -> set[str]:
    """What its first requests would take from."""
    if not isinstance(adapter, Metered):
        return set()
    first = (adapter.probe((_ANY,)), adapter.next_request((_ANY,)))
    asked = [request for request in first if request is not None]
    return {charge.bucket for request in asked for charge in adapter.charges(request)}
