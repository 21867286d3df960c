"""The schema registry that the settings ask for."""

from __future__ import annotations

import httpx

from stockfold.contracts.joined_registry import JoinedRegistry
from stockfold.contracts.registry import Registry, default_registry
from stockfold.contracts.rest_registry import RestRegistry
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings


def open_registry(settings: Settings) -> Registry:
    """The schemas that ship with stockfold, joined with the registry of ``registry.url`` if set.

    Nothing is connected before the first unknown id.
    """
    if settings.registry.url is None:
        return default_registry()
    return JoinedRegistry(default_registry(), open_remote(settings))


def open_remote(settings: Settings) -> RestRegistry:
    """The registry of ``registry.url``; SettingsError when it is not set."""
    chosen = settings.registry
    if chosen.url is None:
        raise SettingsError(
            "no schema registry is set",
            where="registry.url",
            remedy="Set registry.url, such as http://127.0.0.1:8081.",
        )
    auth = (chosen.user, chosen.password.resolve()) if chosen.user and chosen.password else None
    client = httpx.Client(
        base_url=chosen.url,
        auth=auth,
        timeout=httpx.Timeout(chosen.request_timeout_s, connect=chosen.connect_timeout_s),
        verify=chosen.verify_tls,
        # An id is asked for once: nothing is won by holding a connection open.
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=0),
    )
    return RestRegistry(client, settings.prefix)
