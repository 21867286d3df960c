"""Kinds of channels: what an installed package must offer so that stockfold can publish to it.

A package registers a ``ChannelKind`` as an entry point of the group ``stockfold.channels``, under
the word that ``kind`` in ``[[channels]]`` has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
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
    the adapter against. ``bases`` are the bases that its field has: "net", "gross". ``reads`` says
    that what was sold there is asked before a write (``Adapter.read``, ``changed_orders``).
    ``items_max`` is how many updates one write may have; of a channel that takes whole feeds, more.
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
    reads: bool = False
    items_max: int = 100


def installed() -> dict[str, ChannelKind]:
    """Every kind that an installed package offers, by name.

    SettingsError when an entry point cannot be loaded, or is no ChannelKind of that name.
    """
    return {name: _loaded(point) for name, point in _points().items()}


def kind_of(name: str) -> ChannelKind:
    """The kind of this name; no other is loaded, so that one that is broken hinders none.

    SettingsError when no installed package offers it, or when it cannot be loaded.
    """
    points = _points()
    if name in points:
        return _loaded(points[name])
    raise SettingsError(
        f"no installed package offers the channel kind {name!r}",
        where=f"entry points of the group {GROUP}",
        remedy=f"Installed are: {', '.join(sorted(points)) or 'none'}. Name one of them, or "
        "install the package that offers it.",
    )


def _points() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in found and found[point.name].value != point.value:
            raise SettingsError(
                f"two packages offer the channel kind {point.name}",
                where=_place(point),
                remedy="Remove one of them.",
            )
        found[point.name] = point
    return found


def _loaded(point: EntryPoint) -> ChannelKind:
    try:
        kind = point.load()
    except Exception as error:
        raise SettingsError(
            f"the channel kind {point.name} cannot be loaded: {type(error).__name__}: {error}",
            where=_place(point),
            remedy="Mend or remove the package that offers it.",
        ) from error
    if not isinstance(kind, ChannelKind) or kind.name != point.name:
        raise SettingsError(
            f"{point.name} is no ChannelKind of that name", where=_place(point), remedy="Mend it."
        )
    return kind


def _place(point: EntryPoint) -> str:
    return f"entry point {point.name} = {point.value}"
