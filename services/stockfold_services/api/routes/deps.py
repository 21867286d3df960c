"""What every route is given.

All of them are coroutines, though none waits: FastAPI sends a plain function to another thread, and
two changes of thread cost an answer more than its question to PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from stockfold.runtime.settings import LocationSettings
from stockfold_services.api.changes import Changes
from stockfold_services.api.channels import Channels
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import Waiting
from stockfold_services.api.inventory_checks import InventoryChecks
from stockfold_services.api.kits import Kits
from stockfold_services.api.monitor_windows import Windows
from stockfold_services.api.proofs import Proofs
from stockfold_services.api.remote_versions import Remotes
from stockfold_services.api.terms import ChannelTerms

_T = TypeVar("_T")


def _kept(name: str, kind: type[_T]) -> Callable[[Request], Awaitable[_T]]:
    """What the application keeps under a name."""

    async def kept(request: Request) -> _T:
        found = getattr(request.app.state, name)
        assert isinstance(found, kind)
        return found

    return kept


Db = Annotated[Database, Depends(_kept("database", Database))]
Wait = Annotated[Waiting, Depends(_kept("waiting", Waiting))]
Places = Annotated[Mapping[str, LocationSettings], Depends(_kept("places", dict))]
"""The locations that the settings name."""
ByChannel = Annotated[ChannelTerms, Depends(_kept("terms", ChannelTerms))]
Bills = Annotated[Kits, Depends(_kept("kits", Kits))]
Feed = Annotated[Changes, Depends(_kept("changes", Changes))]
Canaries = Annotated[Proofs, Depends(_kept("proofs", Proofs))]
Modes = Annotated[Channels, Depends(_kept("modes", Channels))]
Shops = Annotated[Remotes, Depends(_kept("remotes", Remotes))]
Watched = Annotated[Windows, Depends(_kept("watched", Windows))]
Checks = Annotated[InventoryChecks, Depends(_kept("checks", InventoryChecks))]
