"""Spans of what a channel shall show: from reading it, over the shop's responses, to its outcome.

process stockfold.availability.v1      of each listing that is traced, until its outcome is
│                                    on record
└── POST                             of each request with it: a request carries many listings,
is under one and linked to the others
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from stockfold.channels import Failure, Request, Response
from stockfold.contracts.topics import AVAILABILITY
from stockfold.runtime.channel_modes import publisher_group
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.telemetry import records
from stockfold.runtime.telemetry.tracing import (
    NO_SPAN,
    Attributes,
    Span,
    Traces,
    sampled,
    traceparent_in,
)
from stockfold_services.publisher.performing import Performer
from stockfold_services.publisher.wanted import Finished, Wanted

OPEN_MAX = 10_000


class Spans:
    """The spans of one channel's listings; those that never end are forgotten, oldest first."""

    def __init__(self, traces: Traces, settings: Settings, channel: ChannelSettings) -> None:
        self._traces = traces
        self._channel = channel.name
        self._server = urlsplit(channel.url or "").hostname or ""
        self._topic = AVAILABILITY.full_name(settings.prefix)
        self._group = publisher_group(settings, channel.name)
        self._open: OrderedDict[tuple[str, int], Span] = OrderedDict()

    def read(self, wanted: Wanted, headers: Any) -> Wanted:
        """Begin the span of a listing that was just read, if it is traced."""
        if not self._traces.on or not headers:
            return wanted
        parent = sampled(traceparent_in(headers))
        if not parent:
            return wanted
        about: Attributes = {
            records.CORRELATION: wanted.correlation_id,
            records.CHANNEL: self._channel,
            records.SKU: wanted.sku,
            "stockfold.version": wanted.version,
        }
        place = (self._topic, wanted.partition, wanted.offset)
        attributes = records.consumed(*place, self._group, about)
        span = self._traces.follow(parent, f"process {self._topic}", attributes)
        self._open[wanted.sku, wanted.version] = span
        if len(self._open) > OPEN_MAX:
            self._open.popitem(last=False)
        return msgspec.structs.replace(wanted, traceparent=span.traceparent)

    def recorded(self, finished: Sequence[Finished]) -> None:
        """These have their outcomes on record."""
        if not self._open:
            return
        for one in finished:
            span = self._open.pop((one.wanted.sku, one.wanted.version), None)
            if span is not None:
                span.put({records.OUTCOME: one.kind.value, "stockfold.attempts": one.attempts})
                span.end()

    def asked(self, request: Request) -> Span:
        """The span of a request: under the first listing of it that is traced, linked to others."""
        if not self._open:
            return NO_SPAN
        open_ = self._open
        found = [open_.get((update.sku, update.version), NO_SPAN) for update in request.updates]
        traced = [span.traceparent for span in found if span.is_recorded]
        if not traced:
            return NO_SPAN
        attributes = {
            "http.request.method": request.method,
            "server.address": self._server,
            "url.path": urlsplit(request.path).path,
            records.CHANNEL: self._channel,
            "stockfold.purpose": request.purpose.value,
            "stockfold.listings": len(request.updates),
        }
        return self._traces.follow(
            traced[0], request.method, attributes, kind="client", links=traced[1:]
        )


class TracedPerformer:
    """Makes requests as another does, with spans."""

    def __init__(self, performer: Performer, spans: Spans) -> None:
        self._performer = performer
        self._spans = spans

    async def perform(self, request: Request) -> Response | Failure:
        """See ``Performer.perform``."""
        with self._spans.asked(request) as span:
            answer = await self._performer.perform(request)
            if isinstance(answer, Failure):
                span.fail(answer.code)
            else:
                span.put({"http.response.status_code": answer.status})
                if answer.status >= 400:
                    span.fail(str(answer.status))
            return answer
