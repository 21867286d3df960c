"""Whether this process lives, and whether it can answer."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stockfold_services.api.overview import (
    Count,
    ProjectorState,
    Reevaluation,
    counts,
    projector_state,
    reevaluations,
)
from stockfold_services.api.routes.deps import Db

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """This process lives."""

    status: str = "ok"


class Ready(BaseModel):
    """This process can answer; ``projector`` says how fresh its answers are."""

    status: str = "ready"
    postgres: str = "reachable"
    projector: ProjectorState


class Status(BaseModel):
    """The read model in figures."""

    projector: ProjectorState
    reevaluations: list[Reevaluation] = Field(
        description="Listings that are looked at again, as policies or time have changed."
    )
    tables: list[Count]


@router.get("/healthz")
async def healthz() -> Health:
    """200 while this process lives; asks nobody else."""
    return Health()


@router.get("/readyz")
async def readyz(db: Db) -> Ready:
    """200 when PostgreSQL answers and the tables are there, else 503.

    A projector that is behind or down does not make it unready: answers carry their age, and old
    answers are better than none.
    """
    async with db.reading() as connection:
        return Ready(projector=await projector_state(connection))


@router.get("/v1/status")
async def status(db: Db) -> Status:
    """Counts of the tables, how fresh they are by topic, and how far a policy change is."""
    async with db.reading() as connection:
        return Status(
            projector=await projector_state(connection),
            reevaluations=await reevaluations(connection),
            tables=await counts(connection),
        )
