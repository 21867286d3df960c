"""Reading a shop's whole catalogue against what is wanted of it.

    wanted ─▶ pages ─▶ orders that changed there ─▶ (settle) ─▶ orders known, standing, wanted

What is wanted is read before and after: what changed meanwhile is under way, and not wrong.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from stockfold.channels import StockUpdate, TroubleKind
from stockfold.channels.orders import ChannelOrder
from stockfold.channels.woocommerce import lookups
from stockfold.channels.woocommerce.adapter import WooCommerce
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.catalog import Page, Product
from stockfold.channels.woocommerce.census import MANAGED
from stockfold.channels.woocommerce.lookups import Listing
from stockfold.channels.woocommerce.sweeps import OrderSweep
from stockfold.domain.times import DAY_US
from stockfold.reconcile.listings import (
    HARMLESS,
    NOTHING_UNSEEN,
    Evidence,
    ListingFinding,
    ListingKind,
    Seen,
    Standing,
    Unseen,
    judge,
    unseen_units,
)
from stockfold.runtime.channel_control import Control
from stockfold.runtime.clock import Clock
from stockfold.runtime.listing_topics import ListingTopics, Told
from stockfold.runtime.resends import Resend
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_catalog import Performing, pause_of, read_catalog
from stockfold.runtime.shop_orders import terms_of

OnPage = Callable[[Page], None]
SETTLE_S = 3.0
"""An order that the shop has told is decided, and its availability told, by then."""
ORDERS_SINCE_US = DAY_US
"""Orders that changed before are here, or will never come: sweeps are never so late."""
ATTEMPTS_MAX = 5


class Reconciled(msgspec.Struct):
    """What was found. ``findings`` are those that differ or cannot be told, by difference."""

    channel: str
    began_us: int
    ended_us: int
    products: int
    kinds: dict[str, int]
    findings: list[ListingFinding]
    agreeing: list[ListingFinding]
    resends: dict[str, Resend]

    @property
    def differing(self) -> list[ListingFinding]:
        """Those that somebody must act on."""
        return [one for one in self.findings if one.kind not in HARMLESS]

    def to_repair(self, kinds: Collection[ListingKind]) -> list[Resend]:
        """What to send once more to mend the findings of these kinds."""
        return [
            msgspec.structs.replace(self.resends[one.sku], reason=str(one.kind))
            for one in self.findings
            if one.kind in kinds
        ]


def why_held(control: Control) -> str:
    """Why a channel does not show what is wanted of it; empty when it does."""
    if control.state == "running":
        return ""
    by = f" by {control.by}" if control.by else ""
    return f"the channel is {control.state}{by}" + (f": {control.reason}" if control.reason else "")


class ChannelReconciling:
    """One reconciliation of one shop, run once."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        adapter: WooCommerce,
        shop: Performing,
        clock: Clock,
        *,
        writes: Callable[[str], bool],
        waived: Collection[str] = (),
        held: str = "",
        by: str,
    ) -> None:
        self._channel = channel
        self._adapter = adapter
        self._shop = shop
        self._clock = clock
        self._writes = writes
        self._waived = waived
        self._held = held
        self._by = by
        self._topics = ListingTopics(settings, channel.name)
        self._seen: dict[str, list[tuple[Product, int]]] = defaultdict(list)
        self._unnamed: list[tuple[Product, int]] = []
        self._products = 0

    async def run(self, on_page: OnPage = lambda _: None) -> Reconciled:
        """Read and judge. NotServedError, KafkaException, UnavailableError."""
        began_us = self._clock.now_us()
        before = await asyncio.to_thread(self._wanted)
        async for page in read_catalog(self._shop, pause_s=pause_of(self._channel)):
            self._take(page)
            on_page(page)
        orders = await self._orders(before)
        if self._differ_at_first(before):
            await asyncio.sleep(SETTLE_S)
        known = await asyncio.to_thread(self._topics.orders)
        standing = await asyncio.to_thread(self._topics.standing)
        now = await asyncio.to_thread(self._wanted)
        unseen = unseen_units(orders, known)
        found = [
            judge(self._evidence(sku, before, now, standing, unseen))
            for sku in sorted({*self._seen, *now})
        ]
        found += [_nameless(product) for product, _ in self._unnamed]
        return self._told(found, now, began_us)

    def _wanted(self) -> dict[str, Told]:
        return self._topics.wanted(self._adapter.to_show, "reconciliation", self._by)

    def _take(self, page: Page) -> None:
        now_us = self._clock.now_us()
        for product in page.products:
            self._products += 1
            if product.sku:
                self._seen[product.sku].append((product, now_us))
            elif product.managed == "yes":
                self._unnamed.append((product, now_us))

    def _differ_at_first(self, wanted: Mapping[str, Told]) -> bool:
        return any(
            product.quantity is None or max(product.quantity, 0) != told.wanted.quantity
            for sku, told in wanted.items()
            for product, _ in self._seen.get(sku, ())
        )

    async def _orders(self, wanted: Mapping[str, Told]) -> list[ChannelOrder]:
        """The orders that changed in the shop of late; none when nothing differs."""
        if not self._differ_at_first(wanted):
            return []
        now_us = self._clock.now_us()
        sweep = OrderSweep(terms_of(self._channel), now_us - ORDERS_SINCE_US)
        found: list[ChannelOrder] = []
        failures = 0
        while (request := sweep.request) is not None:
            began_s = time.monotonic()
            answer = await self._shop.perform(request)
            took_s = time.monotonic() - began_s
            try:
                page = sweep.receive(answer)
            except NotServedError as error:
                failures += 1
                if error.trouble.kind is TroubleKind.REFUSED:
                    # A key that may not read orders: what they explain is told as drift.
                    return found
                if failures >= ATTEMPTS_MAX:
                    raise
                await asyncio.sleep((error.trouble.retry_after_s or 0.0) + 2.0**failures)
                continue
            failures = 0
            found += page.orders
            await asyncio.sleep(max(pause_of(self._channel), took_s))
        return found

    def _evidence(
        self,
        sku: str,
        before: Mapping[str, Told],
        now: Mapping[str, Told],
        standing: Mapping[str, Standing],
        unseen: Mapping[str, Unseen],
    ) -> Evidence:
        seen = self._seen.get(sku, [])
        told, then = now.get(sku), before.get(sku)
        return Evidence(
            sku,
            [_seen(product, read_us) for product, read_us in seen],
            then.wanted if then is not None else None,
            told.wanted if told is not None else None,
            standing.get(sku),
            _refusal(sku, [product for product, _ in seen]),
            unseen.get(sku, NOTHING_UNSEEN),
            self._writes(sku),
            self._held,
            sku in self._waived,
            self._clock.now_us(),
        )

    def _told(
        self, found: list[ListingFinding], now: Mapping[str, Told], began_us: int
    ) -> Reconciled:
        kinds: dict[str, int] = {}
        for one in found:
            kinds[str(one.kind)] = kinds.get(str(one.kind), 0) + 1
        agrees = ListingKind.AGREES
        return Reconciled(
            self._channel.name,
            began_us,
            self._clock.now_us(),
            self._products,
            kinds,
            sorted((one for one in found if one.kind is not agrees), key=_weight),
            [one for one in found if one.kind is agrees],
            {one.sku: now[one.sku].resend for one in found if one.sku in now},
        )


def _seen(product: Product, read_us: int) -> Seen:
    quantity = product.quantity if product.managed == "yes" else None
    return Seen(str(product.id), quantity, product.backorders, read_us)


def _refusal(sku: str, products: list[Product]) -> tuple[str, str] | None:
    """Why the adapter would not write it, in its own words."""
    matches = [Listing(one.id, one.parent_id, one.type, MANAGED[one.managed]) for one in products]
    outcome = lookups.judge(StockUpdate(sku, 0, 0), matches)
    return None if outcome is None else (outcome.code, outcome.detail)


def _nameless(product: Product) -> ListingFinding:
    why = "it has no SKU, so nothing can be published to it"
    kind = ListingKind.NOT_OURS
    return ListingFinding("", str(product.id), kind, product.quantity, None, why=why)


def _weight(one: ListingFinding) -> tuple[Any, ...]:
    return (one.kind in HARMLESS, -abs(one.difference or 0), str(one.kind), one.sku, one.listing)
