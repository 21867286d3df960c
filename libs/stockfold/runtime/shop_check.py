"""A look at one channel before it is trusted: the shop, its catalogue, and what of it is ours.

Nothing in the shop is changed: see ``stockfold.channels.woocommerce.checkup``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from stockfold.channels import Assurance, Failure, Request, Response, Trouble, TroubleKind
from stockfold.channels.findings import Finding, Level
from stockfold.channels.woocommerce import checkup, verdicts
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.catalog import Page
from stockfold.channels.woocommerce.census import Census, Coverage
from stockfold.channels.woocommerce.terms import StockTerms
from stockfold.channels.woocommerce.verdicts import Facts, Terms
from stockfold.channels.woocommerce.webhooks import list_webhooks
from stockfold.domain.errors import SettingsError
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_catalog import Performing, pause_of, read_catalog
from stockfold.runtime.shop_orders import webhook_address

T = TypeVar("T")
OnPage = Callable[[Page], None]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. Of a shop that cannot be read, ``coverage`` is None.

    ``read_items_per_s`` is how fast the catalogue came, without the pauses that we make.
    """

    channel: str
    url: str
    assurance: Assurance
    checked_at_us: int
    facts: Facts
    findings: tuple[Finding, ...]
    coverage: Coverage | None = None
    products: int = 0
    variations: int = 0
    read_items_per_s: float | None = None

    @property
    def is_fit(self) -> bool:
        """True when nothing stands against writing to all of it."""
        return (
            self.coverage is not None
            and self.coverage.is_complete
            and not any(finding.level is Level.ERROR for finding in self.findings)
        )

    @property
    def was_hindered(self) -> bool:
        """True when the way to the shop was in the way: that says nothing of what it is like."""
        troubles = (self.facts.readable, self.facts.writable, self.facts.orders)
        return any(one is not None and one.kind is not TroubleKind.REFUSED for one in troubles)


class _Witness:
    """Performs requests, and notes how long they took and what time the shop has."""

    def __init__(self, shop: Performing, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self.took_s = 0.0
        self.skew_s: int | None = None

    async def perform(self, request: Request) -> Response | Failure:
        before_us, began_s = self._clock.now_us(), time.monotonic()
        answer = await self._shop.perform(request)
        self.took_s += time.monotonic() - began_s
        if isinstance(answer, Response):
            self._note(answer, (before_us + self._clock.now_us()) / 2_000_000)
        return answer

    def _note(self, answer: Response, now_s: float) -> None:
        try:
            told = parsedate_to_datetime(answer.headers.get("date", ""))
        except (ValueError, IndexError):
            return
        moment = told if told.tzinfo else told.replace(tzinfo=UTC)
        # The second it names has passed by half, on average.
        skew_s = round(moment.timestamp() + 0.5 - now_s)
        if self.skew_s is None or abs(skew_s) < abs(self.skew_s):
            self.skew_s = skew_s

    async def ask(self, conversation: Generator[Request, Response | Failure, T]) -> T | Trouble:
        """Hold a conversation: what it came to, or why the shop did not serve."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self.perform(request))
        except StopIteration as ended:
            result: T = ended.value
            return result
        except NotServedError as error:
            return error.trouble


async def check(
    settings: Settings,
    channel: ChannelSettings,
    shop: Performing,
    assurance: Assurance,
    clock: Clock,
    *,
    skus: Collection[str],
    waived: Collection[str] = (),
    probe: bool = False,
    on_page: OnPage = lambda _: None,
) -> Checked:
    """Look at the shop, then read its catalogue and hold it against our ``skus``.

    ``probe`` also sends batches that change nothing, to find the host's limit. UnavailableError
    when the shop stops serving while its catalogue is read.
    """
    witness = _Witness(shop, clock)
    terms = _terms(settings, channel)
    facts = await _facts(witness, terms, probe=probe)
    findings = verdicts.judge(facts, terms)
    found = Checked(
        channel=channel.name,
        url=channel.url,
        assurance=assurance,
        checked_at_us=clock.now_us(),
        facts=facts,
        findings=tuple(findings),
    )
    if facts.readable is not None:
        return found
    census = Census(StockTerms(**channel.stock.model_dump()))
    witness.took_s = 0.0
    async for page in read_catalog(witness, pause_s=pause_of(channel)):
        census.take(page.products)
        on_page(page)
    rows = census.products + census.variations
    return msgspec.structs.replace(
        found,
        findings=(*findings, *census.findings(skus, waived)),
        coverage=census.coverage(skus, waived),
        products=census.products,
        variations=census.variations,
        read_items_per_s=rows / witness.took_s if rows and witness.took_s else None,
    )


async def _facts(witness: _Witness, terms: Terms, *, probe: bool) -> Facts:
    readable = await witness.ask(checkup.may_read())
    if readable is not None:
        return Facts(readable=readable, skew_s=witness.skew_s)
    writable = await witness.ask(checkup.may_write())
    orders = await witness.ask(checkup.may_read("orders"))
    system = await witness.ask(checkup.system())
    stock = await witness.ask(checkup.stock_settings())
    hooks = None
    if terms.webhook_address and terms.has_webhook_secret:
        told = await witness.ask(list_webhooks())
        hooks = told if isinstance(told, Trouble) else tuple(told)
    batch = await witness.ask(checkup.batch_limit()) if probe and writable is None else None
    return Facts(
        writable=writable,
        orders=orders,
        system=system,
        stock=stock,
        webhooks=hooks,
        batch=batch,
        skew_s=witness.skew_s,
    )


def _terms(settings: Settings, channel: ChannelSettings) -> Terms:
    try:
        address = webhook_address(settings, channel)
    except SettingsError:
        address = ""
    orders = channel.orders
    return Terms(
        https=channel.url.startswith("https://"),
        verify_tls=channel.verify_tls,
        hold_minutes=orders.hold_minutes,
        webhook_address=address,
        has_webhook_secret=orders.webhook_secret is not None,
        keeps_webhooks=orders.keep_webhooks,
    )
