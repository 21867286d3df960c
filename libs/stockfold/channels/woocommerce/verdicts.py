"""What to make of what a shop says of itself: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stockfold.channels.findings import Finding, Level
from stockfold.channels.port import Trouble, TroubleKind
from stockfold.channels.woocommerce.adapter import ITEMS_MAX
from stockfold.channels.woocommerce.checkup import BatchLimit, StockSettings, System
from stockfold.channels.woocommerce.webhooks import TOPICS, Webhook

SKEW_S_MAX = 15 * 60
"""Beyond this a signature (OAuth 1.0a) is refused."""
SKEW_S_NOTED = 60
BODY_BYTES_MIN = 64 * 1024
"""A batch of a hundred with metadata of ours is about half of this."""
TESTED_FROM = (8, 9)

SHOP, KEY, CLOCK, TLS, HOST, HOOKS = "shop", "key", "clock", "TLS", "host", "webhooks"
KEY_TO_DO = (
    "In the shop: WooCommerce, Settings, Advanced, REST API; give the key Read/Write, for a user "
    "who is shop manager."
)
HOST_TO_DO = (
    "Try again; if it stays, see the channel's url, and ask whoever runs the host or its firewall "
    "to let /wp-json/wc/v3/ through."
)


class Terms(msgspec.Struct, frozen=True):
    """What our own settings say of the connection.

    ``webhook_address`` is empty where nobody has said how the shop reaches us.
    """

    https: bool
    verify_tls: bool
    hold_minutes: int | None = None
    webhook_address: str = ""
    has_webhook_secret: bool = False
    keeps_webhooks: bool = True


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out; a Trouble stands where the shop did not say.

    ``skew_s`` is the shop's clock less ours, None where it tells no time. ``webhooks`` and
    ``batch`` are None when they were not asked for.
    """

    readable: Trouble | None = None
    writable: Trouble | None = None
    orders: Trouble | None = None
    system: System | Trouble = System()
    stock: StockSettings | Trouble = StockSettings()
    webhooks: tuple[Webhook, ...] | Trouble | None = None
    batch: BatchLimit | Trouble | None = None
    skew_s: int | None = None


def judge(facts: Facts, terms: Terms) -> list[Finding]:
    """What matters of the facts, the gravest not necessarily first."""
    found = [*_access(facts), *_clock(facts, terms), *_tls(terms)]
    if facts.readable is None:
        found += [*_system(facts.system), *_stock(facts.stock, terms), *_batch(facts.batch)]
        found += _webhooks(facts.webhooks, terms)
    return found


def _access(facts: Facts) -> Iterator[Finding]:
    may = {
        "not_readable": facts.readable,
        "not_writable": facts.writable,
        "orders_not_readable": facts.orders,
    }
    for code, trouble in may.items():
        if trouble is not None:
            refused = trouble.kind is TroubleKind.REFUSED
            about, to_do = (KEY, KEY_TO_DO) if refused else (HOST, HOST_TO_DO)
            yield Finding(Level.ERROR, code, about, trouble.detail, to_do)


def _clock(facts: Facts, terms: Terms) -> Iterator[Finding]:
    skew_s = facts.skew_s
    if skew_s is None:
        detail = "the shop's answers carry no date, so its clock cannot be compared with ours"
        yield Finding(Level.NOTE, "clock_unknown", CLOCK, detail)
        return
    if abs(skew_s) <= SKEW_S_NOTED:
        return
    detail = f"the shop's clock is {abs(skew_s):,} s {'ahead of' if skew_s > 0 else 'behind'} ours"
    to_do = "Let both machines take their time from NTP; see which of the two is wrong."
    grave = abs(skew_s) > SKEW_S_MAX and not terms.https
    if grave:
        detail += "; signatures are refused beyond 900 s"
    yield Finding(Level.ERROR if grave else Level.WARNING, "clock_skew", CLOCK, detail, to_do)


def _tls(terms: Terms) -> Iterator[Finding]:
    if not terms.https:
        yield Finding(
            Level.WARNING,
            "no_tls",
            TLS,
            "the shop is spoken to over plain HTTP: requests are signed, but anybody on the way "
            "can read orders and stock, and change what is written",
            "Give the shop a certificate and set the channel's url to https.",
        )
    elif not terms.verify_tls:
        detail = "the shop's certificate is not checked: anybody on the way can take the key"
        to_do = "Set verify_tls to true, and have the shop's certificate renewed if it fails."
        yield Finding(Level.WARNING, "tls_unchecked", TLS, detail, to_do)


def _system(system: System | Trouble) -> Iterator[Finding]:
    if isinstance(system, Trouble):
        yield Finding(
            Level.NOTE,
            "version_unknown",
            SHOP,
            f"the shop does not say which WooCommerce it runs: {system.detail}",
            "Nothing if stock is published; else let the key's user be shop manager.",
        )
        return
    version = _version(system.woocommerce)
    if version and version < TESTED_FROM:
        detail = f"WooCommerce {system.woocommerce} is older than 8.9, the oldest it was tried with"
        to_do = "Update WooCommerce, or try it in a copy of the shop first."
        yield Finding(Level.WARNING, "old_version", SHOP, detail, to_do)
    if system.post_bytes_max is not None and system.post_bytes_max < BODY_BYTES_MIN:
        detail = f"PHP takes {system.post_bytes_max:,} bytes a request (post_max_size)"
        to_do = "Raise it to a megabyte or more: batches of a hundred do not fit."
        yield Finding(Level.WARNING, "small_bodies", HOST, detail, to_do)


def _version(text: str) -> tuple[int, ...]:
    """11.0.1 as (11, 0); empty for what is no version."""
    parts = text.split(".")[:2]
    return tuple(int(p) for p in parts) if all(p.isascii() and p.isdigit() for p in parts) else ()


def _stock(stock: StockSettings | Trouble, terms: Terms) -> Iterator[Finding]:
    if isinstance(stock, Trouble):
        yield Finding(
            Level.NOTE,
            "settings_unknown",
            SHOP,
            f"the shop does not show its settings of stock: {stock.detail}",
            "See for yourself that WooCommerce, Settings, Products, Inventory manages stock.",
        )
        return
    if stock.managed is False:
        yield Finding(
            Level.ERROR,
            "stock_management_off",
            SHOP,
            "the shop manages no stock: it takes quantities without a word and keeps none",
            "Turn it on: WooCommerce, Settings, Products, Inventory.",
        )
    ours = terms.hold_minutes or 0
    if stock.hold_minutes is not None and stock.hold_minutes != ours:
        yield Finding(
            Level.WARNING,
            "hold_minutes_differ",
            SHOP,
            f"the shop holds the units of unpaid orders {_held(stock.hold_minutes)}, "
            f"channels.orders.hold_minutes says {_held(ours)}",
            "Set both alike, or units are free here while they are held there.",
        )
    if stock.out_at:
        yield Finding(
            Level.WARNING,
            "out_of_stock_threshold",
            SHOP,
            f"the shop shows a product as out of stock at {stock.out_at} units and below",
            "Set the threshold to 0 in WooCommerce, Settings, Products, Inventory; keep units back "
            "with a policy's safety stock instead.",
        )


def _held(minutes: int) -> str:
    return f"{minutes} minutes" if minutes else "for ever"


def _batch(batch: BatchLimit | Trouble | None) -> Iterator[Finding]:
    if isinstance(batch, Trouble):
        yield Finding(
            Level.ERROR,
            "batches_refused",
            HOST,
            f"a batch does not get through: {batch.detail}",
            HOST_TO_DO,
        )
    elif batch is not None and batch.items < ITEMS_MAX:
        yield Finding(
            Level.NOTE,
            "small_batches",
            HOST,
            f"the host takes batches of {batch.items} items ({batch.refusals[0]})",
            "Nothing: the publisher finds the size out by itself; larger ones would be faster.",
        )


def _webhooks(hooks: tuple[Webhook, ...] | Trouble | None, terms: Terms) -> Iterator[Finding]:
    if not terms.webhook_address or not terms.has_webhook_secret:
        missing = "gateway.public_url" if not terms.webhook_address else "webhook_secret"
        yield Finding(
            Level.WARNING,
            "no_webhooks",
            HOOKS,
            f"{missing} is not set: orders are only found by sweeps, minutes later",
            "See infra/docs/webhooks.md.",
        )
        return
    if isinstance(hooks, Trouble):
        detail = f"the shop does not show its webhooks: {hooks.detail}"
        yield Finding(Level.WARNING, "webhooks_unknown", HOOKS, detail, KEY_TO_DO)
        return
    mends = "stockfold channel webhooks NAME makes and activates them" + (
        "; the sweeper does so too, every few minutes." if terms.keeps_webhooks else "."
    )
    for topic in TOPICS:
        ours = [h for h in hooks or () if (h.topic, h.delivery_url) == (topic, _address(terms))]
        active = [hook for hook in ours if hook.status == "active"]
        if not ours:
            yield Finding(Level.WARNING, "webhook_missing", topic, "there is none to us", mends)
        elif not active:
            detail = f"webhook {ours[0].id} is {ours[0].status}: the shop delivers nothing"
            yield Finding(Level.WARNING, "webhook_inactive", topic, detail, mends)
        elif len(active) > 1:
            ids = ", ".join(str(hook.id) for hook in active)
            detail = f"webhooks {ids} all tell us the same"
            yield Finding(Level.NOTE, "webhook_twice", topic, detail, "Delete all but one.")
    path = _address(terms).partition("://")[2].partition("/")[2]
    for hook in hooks or ():
        if hook.delivery_url != _address(terms) and hook.delivery_url.endswith(f"/{path}"):
            detail = f"webhook {hook.id} goes to {hook.delivery_url}, not to {_address(terms)}"
            to_do = "Delete it if that is an address we had before."
            yield Finding(Level.NOTE, "webhook_elsewhere", hook.topic, detail, to_do)


def _address(terms: Terms) -> str:
    return terms.webhook_address
