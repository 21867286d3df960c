"""What every form that changes something has: who may send it, its reason, and what was shown.

An act is shown before it is done, and the form that confirms it names what was shown: when that is
not what would be done now, it is shown again.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Depends
from fastapi.responses import RedirectResponse

from stockfold_services.api.actor import Actor, needs
from stockfold_services.api.forms import Form

REASON_MAX = 500
Supporter = Annotated[Actor, Depends(needs("support"))]
Engineer = Annotated[Actor, Depends(needs("engineer"))]


def reason_of(form: Form) -> str:
    """Why, as it was typed; empty when nothing was."""
    return form.get("reason", "").strip()[:REASON_MAX]


def seen(*told: str) -> str:
    """The mark of what was shown, for the form that confirms it."""
    return hashlib.blake2b("\n".join(told).encode(), digest_size=16).hexdigest()


def confirms(form: Form, mark: str) -> bool:
    """Whether a form says to do what bears this mark."""
    return is_confirming(form) and form.get("seen") == mark


def is_confirming(form: Form) -> bool:
    """Whether a form says to do it, whatever it was shown."""
    return form.get("step") == "do"


def away(url: str) -> RedirectResponse:
    """See Other: loading the page again does not act again."""
    return RedirectResponse(url, 303)
