"""The channels: what each shall do, how far it is, and what hinders it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from stockfold.contracts.connections import ConnectionState
from stockfold.contracts.runbooks import runbook_of
from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import SECOND_US, from_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.roles import reaches
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.api.actor import actor
from stockfold_services.api.channels import Channels
from stockfold_services.api.console import hostile, links, live
from stockfold_services.api.console.bounded import Bounded
from stockfold_services.api.console.channel_figures import (
    Figures,
    drift_of_all,
    figures_of,
    on_kafka,
)
from stockfold_services.api.console.chart import gauge, spark
from stockfold_services.api.console.exceptions_page import said
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.forms import csrf_token
from stockfold_services.api.problems import Problem, not_found
from stockfold_services.api.proofs import Proofs
from stockfold_services.api.scope import CHANNEL, allow, reach

router = APIRouter(prefix="/console/channels", include_in_schema=False)

NamePath = Annotated[str, Path(max_length=200)]
_PARTS = ("now", "guards", "deliveries")


@router.get("")
async def listed(request: Request) -> HTMLResponse:
    """Every channel of the settings with its state, backlog and trouble."""
    settings: Settings = request.app.state.settings
    bounded: Bounded = request.app.state.bounded
    modes: Channels = request.app.state.modes
    proofs: Proofs = request.app.state.proofs
    known, kafka, drift, standings = await asyncio.gather(
        modes.all(),
        bounded.look(on_kafka, settings),
        drift_of_all(request),
        proofs.all(),
        return_exceptions=True,
    )
    found = (known, kafka, drift, standings)
    troubles = [_told(one) for one in found if isinstance(one, BaseException)]
    by_name = {} if isinstance(known, BaseException) else {one.channel: one for one in known}
    canaries = {} if isinstance(standings, BaseException) else {s.channel: s for s in standings}
    rows = []
    for channel in settings.channels:
        told = () if isinstance(kafka, BaseException) else kafka.told.get(channel.name, ())
        rows.append(
            {
                "name": channel.name,
                "kind": channel.kind,
                "mode": by_name.get(channel.name),
                "publisher": newest(told),
                "drift": None
                if isinstance(drift, BaseException)
                else sum(n for how, n in drift.get(channel.name, {}).items() if is_drift(how)),
                "canary": canaries.get(channel.name),
            }
        )
    return render(request, "channels.html", rows=rows, troubles=troubles)


def is_drift(differs: str) -> bool:
    """Whether a difference is more than being under way, or not written at all."""
    return differs not in ("", "shadow", "waiting")


def _told(error: BaseException) -> str:
    if isinstance(error, StockfoldError):
        return said(error)
    if isinstance(error, Problem):
        return error.detail
    raise error


def newest(told: Sequence[ConnectionState]) -> dict[str, Any] | None:
    """What a publisher has told last, for the templates; None of one that told nothing."""
    if not told:
        return None
    state = told[-1]
    moments = ("since", "told_at", "oldest_at", "trouble_since", "rests_until")
    times = {name: _at(getattr(state, name)) for name in moments}
    is_silent = state.is_silent(SYSTEM_CLOCK.now_us())
    return {**msgspec.structs.asdict(state), **times, "is_silent": is_silent}


def _at(us: int | None) -> Any:
    return None if us is None else from_us(us)


@router.get("/{channel}")
async def one(request: Request, channel: NamePath, done: str = "") -> HTMLResponse:
    """One channel: all that is known of it, and the forms that steer it."""
    return await show(request, channel, done=done)


async def show(
    request: Request, name: str, *, status: int = 200, done: str = "", trouble: str = ""
) -> HTMLResponse:
    """The page of a channel; Problem 404 when the settings have none of that name."""
    values = await _values(request, channel_of(request, name))
    return render(
        request,
        "channels/one.html",
        status,
        **values,
        done=done if done in _DONE else "",
        trouble=trouble,
        may_resend=reaches(actor(request).role, "support"),
        token=csrf_token(request),
    )


_DONE = {"paused", "running", "zeroed", "restored", "resent"}


def channel_of(request: Request, name: str) -> ChannelSettings:
    """The settings of a channel; Problem 404 when there is none of that name."""
    settings: Settings = request.app.state.settings
    for channel in settings.channels:
        if channel.name == name:
            return channel
    raise not_found("channel", name)


@live.offer("channel", narrowed=True)
async def _live(request: Request) -> live.Parts:
    name = request.query_params.get("channel", "")
    allow(request, CHANNEL, [name])
    channel = channel_of(request, name)
    values = await _values(request, channel)
    return {name: part(request, f"channels/{name}.html", **values) for name in _PARTS}


async def _values(request: Request, channel: ChannelSettings) -> dict[str, Any]:
    figures = await figures_of(request, channel.name)
    kafka = figures.kafka
    told = () if kafka is None else kafka.told.get(channel.name, ())
    control = None if kafka is None else kafka.controls.get(channel.name)
    state = "unknown" if control is None else control.state
    book = runbook_of(state, "channel")
    return {
        "channel": channel,
        "mode": figures.mode,
        "control": control,
        "state": state,
        "since": None if control is None or not control.at else from_us(control.at),
        "book": book,
        "publisher": newest(told),
        "gauge": gauge,
        "chart": spark(course(told), "The backlog of the last hour"),
        "tables": figures.tables,
        "differing": 0
        if figures.tables is None
        else sum(count for how, count in figures.tables.drift.items() if is_drift(how)),
        "canary": figures.proof,
        "reconciled": _reconciled(figures),
        "admission": None if kafka is None else kafka.admissions.get(channel.name),
        "checked": None if kafka is None else _checked(kafka.checks.get(channel.name), channel),
        "waivers": [] if kafka is None else list(kafka.waivers.get(channel.name, {}).values()),
        "report": None if kafka is None else kafka.reports.get(channel.name),
        "troubles": figures.troubles,
        "when_us": from_us,
        "visible": hostile.visible,
        "coded": hostile.coded,
        "sku_link": links.sku,
        "trace_link": links.trace,
        "runbook_link": links.runbook,
        "may_trace": reach(request).is_whole,
        "may_steer": reaches(actor(request).role, "engineer"),
    }


def _checked(told: Mapping[str, Any] | None, channel: ChannelSettings) -> dict[str, Any] | None:
    if told is None:
        return None
    findings = [{**one, "book": runbook_of(one["code"], "check")} for one in told["findings"]]
    return {
        **told,
        "checked_at": from_us(told["checked_at"]),
        "findings": findings,
        "elsewhere": told["url"] != channel.url,
    }


def _reconciled(figures: Figures) -> dict[str, Any] | None:
    if figures.reconciled is None:
        return None
    told = figures.reconciled
    took_us = told["ended_at"] - told["began_at"]
    return {**told, "ended_at": from_us(told["ended_at"]), "took_ms": took_us // 1_000}


def course(told: Sequence[ConnectionState], points: int = 60) -> list[int]:
    """The backlog of the last hour, a figure a minute, oldest first: the most of each minute."""
    now_us = SYSTEM_CLOCK.now_us()
    most: dict[int, int] = {}
    for state in told:
        minute = points - 1 - (now_us - state.told_at) // (60 * SECOND_US)
        if 0 <= minute < points:
            most[minute] = max(most.get(minute, 0), state.waiting)
    first = min(most, default=points)
    course, last_known = [], 0
    for minute in range(first, points):
        last_known = most.get(minute, last_known)
        course.append(last_known)
    return course
