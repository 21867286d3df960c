"""How the check of a channel reads, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.channels import Trouble
from stockfold.channels.findings import Finding, Level
from stockfold.channels.woocommerce.checkup import BatchLimit, StockSettings, System
from stockfold.channels.woocommerce.verdicts import Facts
from stockfold.domain.times import format_us
from stockfold.runtime.channel_coverage import Admission
from stockfold.runtime.shop_check import Checked

COLUMNS = ("", "what", "about", "in the shop", "detail", "to do")
ASSURANCES = {
    "live": "live: proved on a merchant's shop",
    "contract": "contract: proved on a shop of ours that imitates what was measured on real ones",
    "unverified": "unverified: written after the vendor's documentation",
}


def row(finding: Finding) -> tuple[str, ...]:
    """A finding as a row of ``COLUMNS``."""
    return (
        finding.level.value,
        finding.code,
        finding.subject,
        "; ".join(finding.products),
        finding.detail,
        finding.to_do,
    )


def facts(found: Checked, admission: Admission | None) -> list[tuple[str, str]]:
    """What the shop is like."""
    rows = [
        ("shop", found.url),
        ("adapter", ASSURANCES[found.assurance.value]),
        ("key", _key(found.facts)),
    ]
    if found.facts.readable is None:
        rows += _shop(found.facts)
    rows += [*_catalogue(found), ("live", _live(found, admission))]
    return rows


def _key(facts_: Facts) -> str:
    if facts_.readable is not None:
        return "may not read, or the shop does not serve"
    told = "may read and write" if facts_.writable is None else "may read, may not write"
    return told if facts_.orders is None else f"{told}; may not read orders"


def _shop(facts_: Facts) -> Iterator[tuple[str, str]]:
    system, stock, batch = facts_.system, facts_.stock, facts_.batch
    if isinstance(system, System):
        told = f"{system.woocommerce or '?'}, WordPress {system.wordpress or '?'}"
        yield "WooCommerce", f"{told}, PHP {system.php or '?'}"
        if system.post_bytes_max is not None:
            yield "bytes of a request", f"{system.post_bytes_max:,} (PHP's post_max_size)"
    if isinstance(stock, StockSettings) and stock.managed is not None:
        yield "stock management", "on" if stock.managed else "off"
    if isinstance(batch, BatchLimit):
        yield "items of a batch", f"{batch.items}, tried with {batch.body_bytes:,} bytes"
    elif isinstance(batch, Trouble):
        yield "items of a batch", batch.detail
    if facts_.skew_s is not None:
        yield "clock", f"{facts_.skew_s:+} s from ours"
    if isinstance(facts_.webhooks, tuple):
        active = sum(hook.status == "active" for hook in facts_.webhooks)
        yield "webhooks", f"{len(facts_.webhooks)}, {active} active; their secret is never shown"


def _catalogue(found: Checked) -> Iterator[tuple[str, str]]:
    if found.coverage is None:
        return
    speed = found.read_items_per_s
    pace = "" if speed is None else f", read at {speed:,.0f}/s without our pauses"
    yield "catalogue", f"{found.products:,} products, {found.variations:,} variations{pace}"
    coverage = found.coverage
    if not coverage.listings:
        yield "our listings", "none that is known: nothing can be said of its coverage"
        return
    told = (
        f"{coverage.listings:,}: {coverage.covered:,} covered, {len(coverage.waived):,} waived, "
        f"{len(coverage.uncovered):,} uncovered"
    )
    yield "our listings", f"{told} ({coverage.share:.1%} covered or waived)"


def _live(found: Checked, admission: Admission | None) -> str:
    if admission is None:
        return "not yet"
    if admission.url != found.url:
        return f"not at this address; at {admission.url} since {format_us(admission.at)}"
    return f"since {format_us(admission.at)}, with {admission.listings:,} listings"


def verdict(found: Checked) -> str:
    """One sentence."""
    if found.is_fit:
        return f"{found.channel} is fit: all of its listings are covered or waived"
    errors = sum(finding.level is Level.ERROR for finding in found.findings)
    if not errors:
        return f"{found.channel} has nothing to publish yet, so nothing can be said of its coverage"
    return f"{found.channel} is not fit to go live: {errors:,} error{'s' * (errors != 1)}"
