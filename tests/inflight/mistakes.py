"""Mistakes that the judge must notice: each is the rule with one part of it left out."""

from __future__ import annotations

from typing import Any

from stockfold.channels import Observed
from stockfold_services.publisher.sales import Claim, ShopOrder
from stockfold_services.publisher.sold_there import SoldThere


class NothingIsTakenAway(SoldThere):
    """What the shop sold comes back with the next write."""

    def unseen(self, sku: str, seq: int) -> int:
        super().unseen(sku, seq)
        return 0


class NothingEnds(SoldThere):
    """The ledger's claims are not heard, so what was taken away stays away."""

    def claimed(self, claim: Claim, now_s: float) -> set[str]:
        super().claimed(claim, now_s)
        self._orders[claim.order].claims.clear()
        return {claim.sku}


class AClaimEndsItAtOnce(SoldThere):
    """Whatever sequence number the availability was computed from."""

    def unseen(self, sku: str, seq: int) -> int:
        del seq
        return super().unseen(sku, 10**9)


class APassEndsItTooSoon(SoldThere):
    """Without waiting for what was decided when it was opened."""

    def open_pass(self) -> int | None:
        number = super().open_pass()
        if number is not None:
            self.passed(number)
        return None


class NoPasses(SoldThere):
    """What no version shows never ends."""

    def open_pass(self) -> int | None:
        return None


class AnEchoIsASale(SoldThere):
    """Our own write is compared with what was there before it."""

    def sending(self, skus: list[str], now_s: float) -> None:
        for sku in skus:
            self._listing(sku).sent_s = now_s

    def observed(self, one: Observed, now_s: float, asked_s: float | None = None) -> None:
        if one.written is None:
            super().observed(one, now_s, asked_s)


class NobodyLooksAgain(SoldThere):
    """Sales that no version shows, and orders that were given up, go unnoticed."""

    def to_recheck(self, now_s: float, is_busy: Any) -> list[str]:
        del now_s, is_busy
        return []


class TheFirstReadingStands(SoldThere):
    """An order that was edited or given up is counted as it was seen first."""

    def noticed(self, told: ShopOrder, now_s: float) -> set[str]:
        known = self._orders.get(told.order)
        if known is not None and known.revision >= 0:
            return set()
        return super().noticed(told, now_s)


MISTAKES = (
    NothingIsTakenAway,
    NothingEnds,
    AClaimEndsItAtOnce,
    APassEndsItTooSoon,
    NoPasses,
    AnEchoIsASale,
    NobodyLooksAgain,
    TheFirstReadingStands,
)
