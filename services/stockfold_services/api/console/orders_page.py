"""The list of orders, and everything about one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup

from stockfold.orders.lifecycle import MEANINGS, SUSPENDED
from stockfold.runtime.roles import reaches
from stockfold_services.api import inputs
from stockfold_services.api.actor import actor
from stockfold_services.api.console import links, live, orders_data, states
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.console.orders_data import OVERSOLD, STATES, Asked, Order
from stockfold_services.api.console.shell import command
from stockfold_services.api.database import database_of
from stockfold_services.api.forms import csrf_token
from stockfold_services.api.problems import not_found
from stockfold_services.api.scope import CHANNEL, allow, reach

router = APIRouter(prefix="/console/orders", include_in_schema=False)

ORDERS_PER_PAGE = 50
REASON = "WHY"
"""Stands for what only the person knows, in commands to copy."""

Text = Annotated[str, Query(max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]
State = Annotated[str, Query(pattern=f"^({'|'.join(STATES)})?$")]


@router.get("")
async def orders(
    request: Request,
    state: State = "",
    channel: Text = "",
    q: Text = "",
    name: Text = "",
    after: inputs.After = None,
) -> Response:
    """Orders, the last changed first; before them what was sold and cannot be served.

    ``name`` shows the order of ``channel`` that no path can name.
    """
    if name and channel:
        return await order_page(request, channel, name)
    return render(request, "orders.html", **await _listed(request, state, channel, q, after))


@live.offer("orders", narrowed=True)
async def _live_orders(request: Request) -> live.Parts:
    state, channel, q = (request.query_params.get(name, "") for name in ("state", "channel", "q"))
    values = await _listed(request, state, channel, q, None)
    return {"orders-list": part(request, "order/list.html", **values)}


async def _listed(
    request: Request, state: str, channel: str, q: str, after: str | None
) -> dict[str, Any]:
    seen = reach(request)
    if channel or seen.channels == ():
        allow(request, CHANNEL, [channel] if channel else [])
    asked = Asked(state or None, (channel,) if channel else seen.channels, q.strip() or None)
    async with database_of(request).reading() as connection:
        found, more = await orders_data.orders_page(connection, asked, after, ORDERS_PER_PAGE)
        is_first = after is None and asked.state in (None, OVERSOLD)
        cases = await orders_data.open_cases(connection, asked) if is_first else []
        channels = seen.channels or await orders_data.known_channels(connection)
    given = {"state": state, "channel": channel, "q": q.strip()}
    return {
        "orders": found,
        "cases": cases,
        "cases_max": orders_data.CASES_MAX,
        "asked": asked,
        "channel": channel,
        "channels": [(name, name) for name in channels],
        "state_choices": [("", "any"), (OVERSOLD, "with an open case"), *MEANINGS],
        "next_url": links.page("/console/orders", **given, after=more) if more else "",
        "first_url": links.page("/console/orders", **given) if after else "",
        "live_url": links.page("orders", **given) if not after else "",
        "links": links,
        "states": states,
    }


@router.get("/{channel}/{order:path}")
async def order_page(
    request: Request, channel: inputs.ChannelPath, order: inputs.SkuPath
) -> Response:
    """One order: its lines, reservations, history, shipments and cases, and how to repair it."""
    return render(request, "order.html", **await _one(request, channel, order))


@live.offer("order", narrowed=True)
async def _live_order(request: Request) -> live.Parts:
    channel, order = (request.query_params.get(name, "") for name in ("channel", "order"))
    values = await _one(request, channel, order)
    return {"order-body": part(request, "order/body.html", **values)}


async def _one(request: Request, channel: str, order: str) -> dict[str, Any]:
    allow(request, CHANNEL, [channel])
    is_whole = reach(request).is_whole
    async with database_of(request).reading() as connection:
        found = await orders_data.order_of(connection, channel, order, with_ledger=is_whole)
    if not found.is_known:
        raise not_found(f"order of channel {channel!r}", order)
    return {
        "channel": channel,
        "order": order,
        "found": found,
        "closed": [case for case in found.cases if case["state"] != "open"],
        "trace": _trace(found),
        "commands": _commands(channel, order, found),
        "may_act": reaches(actor(request).role, "support"),
        "token": csrf_token(request),
        "live_url": links.page("order", channel=channel, order=order),
        "links": links,
        "states": states,
    }


def _trace(found: Order) -> Markup | str:
    name = found.row["correlation_id"] if found.row else ""
    return Markup('<a href="{}">{}</a>').format(links.trace(name), name) if name else "-"


def _commands(channel: str, order: str, found: Order) -> list[tuple[str, str]]:
    """What can be done about the order as it stands, by who may."""
    lines = [(command("orders show", channel, order), "where it stands, from the topics")]
    for case in found.open_cases[:5]:
        lines += [
            (command("oversell", case["sku"]), f"why {case['sku']} is missing"),
            (command("cases assign", case["case_id"], "OWNER"), "give the case to somebody else"),
            (
                command("cases close", case["case_id"], reason=REASON),
                "it was settled elsewhere; once it is served it closes by itself",
            ),
        ]
    row = found.row
    if row is not None and row["status"] == SUSPENDED:
        lines.append(
            (
                command("catalog import", "aliases.yaml"),
                "say which SKU or tax is meant, and it goes on by itself",
            )
        )
    if row is not None and row["status"] not in ("fulfilled", "released"):
        lines.append(
            (
                command("orders review", channel, order, "refused", reason=REASON),
                "stop it, which gives back what it holds; `cleared` lets it go on",
            )
        )
    if row is not None:
        lines.append(
            (
                command("orders shipped", channel, order, "SHIPMENT", carrier="CARRIER"),
                "tell the shop of a parcel that has left",
            )
        )
    return lines
