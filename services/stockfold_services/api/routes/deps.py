"""What every route is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from stockfold.runtime.settings import LocationSettings
from stockfold_services.api.changes import Changes
from stockfold_services.api.channels import Channels
from stockfold_services.api.database import Database, database_of
from stockfold_services.api.freshness import Waiting
from stockfold_services.api.kits import Kits
from stockfold_services.api.monitor_windows import Windows
from stockfold_services.api.proofs import Proofs
from stockfold_services.api.remote_versions import Remotes
from stockfold_services.api.terms import ChannelTerms


def _waiting(request: Request) -> Waiting:
    waiting = request.app.state.waiting
    assert isinstance(waiting, Waiting)
    return waiting


def _places(request: Request) -> Mapping[str, LocationSettings]:
    places = request.app.state.places
    assert isinstance(places, dict)
    return places


def _terms(request: Request) -> ChannelTerms:
    terms = request.app.state.terms
    assert isinstance(terms, ChannelTerms)
    return terms


def _kits(request: Request) -> Kits:
    kits = request.app.state.kits
    assert isinstance(kits, Kits)
    return kits


def _feed(request: Request) -> Changes:
    feed = request.app.state.changes
    assert isinstance(feed, Changes)
    return feed


def _proofs(request: Request) -> Proofs:
    proofs = request.app.state.proofs
    assert isinstance(proofs, Proofs)
    return proofs


def _modes(request: Request) -> Channels:
    modes = request.app.state.modes
    assert isinstance(modes, Channels)
    return modes


def _watched(request: Request) -> Windows:
    watched = request.app.state.watched
    assert isinstance(watched, Windows)
    return watched


def _remotes(request: Request) -> Remotes:
    remotes = request.app.state.remotes
    assert isinstance(remotes, Remotes)
    return remotes


Db = Annotated[Database, Depends(database_of)]
Wait = Annotated[Waiting, Depends(_waiting)]
Places = Annotated[Mapping[str, LocationSettings], Depends(_places)]
"""The locations that the settings name."""
ByChannel = Annotated[ChannelTerms, Depends(_terms)]
Bills = Annotated[Kits, Depends(_kits)]
Feed = Annotated[Changes, Depends(_feed)]
Canaries = Annotated[Proofs, Depends(_proofs)]
Modes = Annotated[Channels, Depends(_modes)]
Shops = Annotated[Remotes, Depends(_remotes)]
Watched = Annotated[Windows, Depends(_watched)]
