"""A shop's whole catalogue read at a pace that leaves the shop to its customers."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from stockfold.channels import Failure, Request, Response, TroubleKind
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.catalog import CatalogRead, Page
from stockfold.channels.woocommerce.paging import PER_PAGE
from stockfold.runtime.settings import ChannelSettings

log = logging.getLogger(__name__)

PAUSE_S = 0.2
RETRY_FIRST_S = 1.0
RETRY_S_MAX = 60.0
ATTEMPTS_MAX = 8

SHARE = 2
"""Of ``channels.pace.requests_per_s`` reading takes a half: the publisher has its own to make."""

Sleep = Callable[[float], Awaitable[None]]


class Performing(Protocol):
    """Whoever makes requests: ``Transport``, or a fake."""

    async def perform(self, request: Request) -> Response | Failure:
        """Make one request."""
        ...


def pause_of(channel: ChannelSettings) -> float:
    """How long a shop is left alone after each page, at least."""
    limit = channel.pace.requests_per_s
    return PAUSE_S if limit is None else max(PAUSE_S, SHARE / limit)


async def read_catalog(
    shop: Performing,
    *,
    per_page: int = PER_PAGE,
    pause_s: float = PAUSE_S,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Page]:
    """Every product and variation, page by page; see ``CatalogRead``.

    One request at a time, and after each the shop is left alone for as long as it took, at least
    ``pause_s``: at most half of one of its workers (measured: a page of 100 takes 0.2 to 0.3 s).
    With trouble that passes the same page is asked for again, smaller if the shop could not serve
    it, after Retry-After or a growing pause with jitter. NotServedError when it refuses, or has not
    served ``ATTEMPTS_MAX`` times in a row.
    """
    reading = CatalogRead(per_page)
    failures = 0
    while (request := reading.request) is not None:
        began_s = time.monotonic()
        answer = await shop.perform(request)
        took_s = time.monotonic() - began_s
        try:
            page = reading.receive(answer)
        except NotServedError as error:
            failures += 1
            if error.trouble.kind is TroubleKind.REFUSED or failures >= ATTEMPTS_MAX:
                raise
            if error.trouble.kind is TroubleKind.UNAVAILABLE:
                reading.halve()
            wait_s = _wait_s(error, failures)
            log.warning("the catalogue is asked for again in %.1f s: %s", wait_s, error)
            await sleep(wait_s)
            continue
        failures = 0
        yield page
        if reading.request is not None:
            await sleep(max(pause_s, took_s))


def _wait_s(error: NotServedError, failures: int) -> float:
    bound_s = min(RETRY_FIRST_S * 2.0**failures, RETRY_S_MAX)
    return (error.trouble.retry_after_s or 0.0) + random.uniform(0.0, bound_s)  # noqa: S311 - jitter
