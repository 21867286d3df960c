"""Kinds of channels: what an installed package must offer so that stockfold can publish to it.

A package registers a ``ChannelKind`` as an entry point of the group ``stockfold.channels``, under
the word that ``kind`` in ``[[channels]]`` has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

import msgspec
from pydantic import BaseModel

from stockfold.channels.conformance import Subject
from stockfold.channels.port import Adapter, Assurance
from stockfold.domain.errors import SettingsError

GROUP = "stockfold.channels"


class Terms(msgspec.Struct, frozen=True):
    """What an adapter is made from.

    ``url`` is the channel's address. ``credential`` gives a secret by its name in
    ``[channels.credentials]``, read anew each time: files are replaced while we run. ``locations``
    are (our location, the channel's own name of it). ``options`` is an instance of the kind's
    ``options``.
    """

    channel: str
    url: str
    credential: Callable[[str], str]
    options: Any
    locations: Mapping[str, str]


class ChannelKind(msgspec.Struct, frozen=True):
    """One kind of channel.

    ``options`` is what ``[channels.options]`` may hold, ``credentials`` the names that
    ``[channels.credentials]`` must hold. ``adapter`` makes the adapter of one connection; it does
    no I/O. ``subject`` makes a fresh imitation of the channel, which the conformance suite holds
    the adapter against. ``bases`` are the bases that its field has: "net", "gross".
    """

    name: str
    title: str
    assurance: Assurance
    adapter: Callable[[Terms], Adapter]
    options: type[BaseModel]
    credentials: tuple[str, ...]
    subject: Callable[[], Subject]
    bases: tuple[str, ...] = ("net",)
    per_location: bool = False


def installed() -> dict[str, ChannelKind]:
    """Every kind that an installed package offers, by name.

    SettingsError when an entry point cannot be loaded, or is no ChannelKind of that name.
    """
    found: dict[str, ChannelKind] = {}
    for point in entry_points(group=GROUP):
        where = f"entry point {point.name} = {point.value}"
        try:
            kind = point.load()
        except Exception as error:
            raise SettingsError(
                f"the channel kind {point.name} cannot be loaded: {type(error).__name__}: {error}",
                where=where,
                remedy="Mend or remove the package that offers it.",
            ) from error
        if not isinstance(kind, ChannelKind) or kind.name != point.name:
            raise SettingsError(
                f"{point.name} is no ChannelKind of that name", where=where, remedy="Mend it."
            )
        if point.name in found:
            raise SettingsError(
                f"two packages offer the channel kind {point.name}",
                where=where,
                remedy="Remove one of them.",
            )
        found[point.name] = kind
    return found
