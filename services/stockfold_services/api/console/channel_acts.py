"""What a person orders of a channel: first what would happen, then saying it, audited.

The forms act by the functions of ``stockfold channel``.
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from stockfold.domain.errors import StockfoldError, UnavailableError
from stockfold.runtime.channel_orders import Order, Verb, look, say
from stockfold.runtime.resending import Resending, ask, look_up
from stockfold.runtime.settings import Settings
from stockfold_services.api.console import acting, channels_page, hostile, links
from stockfold_services.api.console.acting import (
    Engineer,
    Supporter,
    away,
    is_confirming,
    reason_of,
)
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.channels_page import NamePath
from stockfold_services.api.console.exceptions_page import said
from stockfold_services.api.console.frame import render
from stockfold_services.api.forms import Form, SentForm, csrf_token

router = APIRouter(prefix="/console/channels", include_in_schema=False)

SHOWN_MAX = 100
VerbPath = Annotated[str, Path(pattern="^(pause|resume|zero|restore)$")]
DANGEROUS = frozenset({"zero", "restore"})


@router.post("/{channel}/resend")
async def resend(request: Request, who: Supporter, form: SentForm, channel: NamePath) -> Response:
    """Have listings sent once more; which, and in which version, is shown before it is done."""
    channels_page.channel_of(request, channel)
    settings, bounded = _around(request)
    reason = reason_of(form)
    skus = [line for text in form.get("skus", "").splitlines() if (line := text.strip())]
    try:
        found = await bounded.look(look_up, settings, channel, skus, reason)
        seen = acting.seen(channel, *(f"{one.sku}|{one.version}" for one in found.listings))
        if acting.confirms(form, seen):
            await bounded.act(ask, settings, found, reason, who.said)
            return _away(channel, "resent")
    except StockfoldError as error:
        return await _refused(request, channel, error)
    return _resend_page(request, found, form, seen)


def _resend_page(request: Request, found: Resending, form: Form, seen: str) -> HTMLResponse:
    return render(
        request,
        "channels/resend.html",
        channel=found.channel,
        total=len(found.listings),
        rows=[
            (hostile.visible(one.sku, 120), one.version, one.quantity, one.status)
            for one in found.listings[:SHOWN_MAX]
        ],
        unknown=[hostile.visible(sku, 120) for sku in found.unknown[:SHOWN_MAX]],
        changed=is_confirming(form),
        skus=form.get("skus", ""),
        reason=reason_of(form),
        seen=seen,
        token=csrf_token(request),
    )


@router.post("/{channel}/{verb}")
async def order(
    request: Request, who: Engineer, form: SentForm, channel: NamePath, verb: VerbPath
) -> Response:
    """Pause, resume, zero or restore; what that would do is shown before it is said."""
    channels_page.channel_of(request, channel)
    settings, bounded = _around(request)
    try:
        wanted = await bounded.look(look, settings, channel, cast("Verb", verb), reason_of(form))
        # What was said meanwhile by somebody else is looked at before it is overruled.
        seen = acting.seen(channel, verb, wanted.before.control)
        if acting.confirms(form, seen):
            await bounded.act(say, settings, wanted, who.said)
            return _away(channel, wanted.state)
    except StockfoldError as error:
        return await _refused(request, channel, error)
    return _order_page(request, wanted, form, seen)


def _order_page(request: Request, wanted: Order, form: Form, seen: str) -> HTMLResponse:
    return render(
        request,
        "channels/order.html",
        order=wanted,
        changed=is_confirming(form),
        is_dangerous=wanted.verb in DANGEROUS,
        seen=seen,
        token=csrf_token(request),
    )


async def _refused(request: Request, name: str, error: StockfoldError) -> HTMLResponse:
    status = 503 if isinstance(error, UnavailableError) else 422
    return await channels_page.show(request, name, status=status, trouble=said(error))


def _around(request: Request) -> tuple[Settings, Bounded]:
    return request.app.state.settings, request.app.state.bounded


def _away(name: str, done: str) -> Response:
    return away(f"{links.channel(name)}?done={done}")
