"""What every route is given."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from stockfold_services.api.database import Database
from stockfold_services.api.freshness import Waiting


def _database(request: Request) -> Database:
    database = request.app.state.database
    assert isinstance(database, Database)
    return database


def _waiting(request: Request) -> Waiting:
    waiting = request.app.state.waiting
    assert isinstance(waiting, Waiting)
    return waiting


Db = Annotated[Database, Depends(_database)]
Wait = Annotated[Waiting, Depends(_waiting)]
