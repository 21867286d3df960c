"""What a person does about an order: first what would happen, then telling it, audited.

The forms act by the functions of ``stockfold cases`` and ``stockfold orders review``.
"""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from stockfold.domain.errors import StockfoldError
from stockfold.runtime import order_acts
from stockfold.runtime.order_acts import CaseChange, Review
from stockfold.runtime.order_topics import CONSOLE
from stockfold.runtime.settings import Settings
from stockfold_services.api.console import acting, links, orders_data
from stockfold_services.api.console.acting import Supporter
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.frame import render
from stockfold_services.api.console.orders_data import Order
from stockfold_services.api.database import database_of
from stockfold_services.api.forms import Form, SentForm, csrf_token
from stockfold_services.api.inputs import ID_CHARACTERS_MAX
from stockfold_services.api.problems import Problem, not_found
from stockfold_services.api.scope import CHANNEL, allow, reach

router = APIRouter(prefix="/console/orders", include_in_schema=False)

TITLES = {
    "assign": "Give the case to somebody else",
    "close": "Close the case as settled",
    "refused": "Stop the order",
    "cleared": "Let the order go on",
}


class Wanted(NamedTuple):
    """An act, and what would come of it."""

    told: CaseChange | Review
    comes: str
    seen: str


@router.post("")
async def act(request: Request, who: Supporter, form: SentForm) -> Response:
    """Assign or close a case, stop an order or let it go on; shown before it is told."""
    channel, order = _name(form, "channel"), _name(form, "order")
    allow(request, CHANNEL, [channel])
    async with database_of(request).reading() as connection:
        found = await orders_data.order_of(
            connection, channel, order, with_ledger=reach(request).is_whole
        )
    if not found.is_known:
        raise not_found(f"order of channel {channel!r}", order)
    wanted = _wanted(form, channel, order, found)
    trouble = _lacks(wanted.told)
    if not acting.is_confirming(form) or trouble:
        return _preview(request, form, wanted, trouble=trouble if "step" in form else "")
    if not acting.confirms(form, wanted.seen):
        return _preview(request, form, wanted, changed=True)
    bounded: Bounded = request.app.state.bounded
    try:
        await bounded.act(_tell, request.app.state.settings, wanted.told, who.said)
    except StockfoldError as error:
        return _preview(request, form, wanted, trouble=f"{error.what}. {error.remedy}")
    return acting.away(links.order(channel, order))


def _tell(settings: Settings, told: CaseChange | Review, by: str) -> None:
    if isinstance(told, CaseChange):
        order_acts.change_case(settings, told, by, CONSOLE)
    else:
        order_acts.review(settings, told, by, CONSOLE)


def _wanted(form: Form, channel: str, order: str, found: Order) -> Wanted:
    what = form.get("act", "")
    reason = acting.reason_of(form)
    if what in ("refused", "cleared"):
        row = found.row
        status = "" if row is None else str(row["status"])
        return Wanted(
            Review(channel, order, "refused" if what == "refused" else "cleared", reason),
            "What it holds is given back, and may be sold to others. Units that have shipped stay "
            "shipped. A newer verdict lets it go on."
            if what == "refused"
            else "Its lines are reserved anew, as far as there are units.",
            acting.seen(what, status),
        )
    if what not in ("assign", "close"):
        raise Problem(422, "Form not valid", "act: none of what can be done")
    name = _name(form, "case")
    case = next((case for case in found.open_cases if case["case_id"] == name), None)
    if case is None:
        raise Problem(409, "Not open", f"The order has no open case {name[:100]!r} any more.")
    owner = form.get("owner", "").strip()[:256] if what == "assign" else ""
    return Wanted(
        CaseChange(channel, order, name, "assign" if what == "assign" else "close", owner, reason),
        f"{case['missing']:,} units of {case['sku']} are missing, and {case['owner']} looks after "
        "it. "
        + (
            "The new owner finds it by that name; nothing else changes."
            if what == "assign"
            else "Nothing is reserved or released by closing it, and the same lack opens no other. "
            "A case closes by itself once its line is served: close what was settled elsewhere."
        ),
        acting.seen(what, name, case["owner"], str(case["changed_at"])),
    )


def _lacks(told: CaseChange | Review) -> str:
    if isinstance(told, CaseChange) and told.action == "assign":
        return "" if told.owner else "Say who shall look after it: a role or a login."
    return "" if told.reason else "Say in a sentence why; it stays with the record."


def _preview(
    request: Request, form: Form, wanted: Wanted, *, changed: bool = False, trouble: str = ""
) -> HTMLResponse:
    told = wanted.told
    return render(
        request,
        "order/act.html",
        422 if trouble else 200,
        title=TITLES[told.action if isinstance(told, CaseChange) else told.verdict],
        told=told,
        comes=wanted.comes,
        seen=wanted.seen,
        changed=changed,
        trouble=trouble,
        kept={name: form[name] for name in ("act", "channel", "order", "case") if name in form},
        is_assign=isinstance(told, CaseChange) and told.action == "assign",
        is_dangerous=isinstance(told, Review) and told.verdict == "refused",
        back=links.order(told.channel, told.order),
        token=csrf_token(request),
    )


def _name(form: Form, field: str) -> str:
    name = form.get(field, "")
    if not name or len(name) > ID_CHARACTERS_MAX or "\x00" in name:
        raise Problem(422, "Form not valid", f"{field}: none is named")
    return name
