"""What may need a person, who looks after it, and what to do first."""

from __future__ import annotations

from fastapi import APIRouter

from stockfold.contracts.runbooks import all_runbooks
from stockfold_services.api import models

router = APIRouter(prefix="/v1/runbooks", tags=["exceptions"])


@router.get("")
async def runbooks() -> models.RunbookList:
    """Every kind of exception, finding, case, delivery, channel state and alert with its page."""
    return models.RunbookList(
        runbooks=[
            models.Runbook(
                about=about,
                kind=kind,
                title=runbook.title,
                owner=runbook.owner,
                page=runbook.path,
                repair=runbook.repair_of(kind),
            )
            for runbook in all_runbooks()
            for about, kinds in runbook.kinds.items()
            for kind in kinds
        ]
    )
