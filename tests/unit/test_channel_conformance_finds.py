"""The conformance suite finds what is wrong with an adapter: each fails where it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from stockfold.channels import (
    Answer,
    Failure,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
)
from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.fake import Imitation
from stockfold.channels.amazon.kind import KIND as AMAZON
from stockfold.channels.kinds import ChannelKind, Terms
from stockfold.channels.port import Charge
from stockfold.channels.shopify.adapter import Shopify
from stockfold.channels.shopify.kind import KIND as SHOPIFY
from stockfold.channels.woocommerce import WooCommerce
from stockfold.channels.woocommerce.kind import KIND as WOOCOMMERCE
from stockfold_services.publisher.conformance.suite import chosen, play


def _all(request: Request, kind: OutcomeKind) -> Answer:
    return Answer(tuple(Outcome(update, kind, "mistaken") for update in request.updates))


def _is(response: Response | Failure, *statuses: int) -> bool:
    return isinstance(response, Response) and response.status in statuses


class WritesWhatItFirstHeard(WooCommerce):
    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        heard = self.__dict__.setdefault("heard", {})
        first = [
            msgspec.structs.replace(u, quantity=heard.setdefault(u.sku, u.quantity)) for u in due
        ]
        return super().next_request(first, items_max)


class IgnoresUnmapped(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        applied = [
            msgspec.structs.replace(o, kind=OutcomeKind.APPLIED)
            if o.kind is OutcomeKind.UNMAPPED
            else o
            for o in answer.outcomes
        ]
        return msgspec.structs.replace(answer, outcomes=tuple(applied))


class RemembersUnmapped(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        never = self.__dict__.setdefault("never", set())
        answer = super().receive(request, response)
        never |= {o.update.sku for o in answer.outcomes if o.kind is OutcomeKind.UNMAPPED}
        again = [u for u in request.updates if u.sku in never]
        told = [o for o in answer.outcomes if o.update.sku not in never]
        told += [Outcome(u, OutcomeKind.UNMAPPED, "never") for u in again]
        return msgspec.structs.replace(answer, outcomes=tuple(told))


class LosesOnTimeOut(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if isinstance(response, Failure) and request.purpose is Purpose.WRITE:
            return _all(request, OutcomeKind.APPLIED)
        return super().receive(request, response)


class ExceedsTheBatch(WooCommerce):
    def __init__(self, *account: str) -> None:
        super().__init__(*account)
        self._write_items_max = 150

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        return super().next_request(due, max(items_max, 150))


class TakesThrottlingForRefusal(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if _is(response, 429):
            return _all(request, OutcomeKind.REJECTED)
        return super().receive(request, response)


class TakesOutageForTheUpdatesFault(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        return msgspec.structs.replace(answer, trouble=None) if _is(response, 503) else answer


class TakesExpiryForRefusal(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if _is(response, 401):
            return _all(request, OutcomeKind.REJECTED)
        return super().receive(request, response)


class BelievesAnything(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if request.purpose is Purpose.WRITE and _is(response, 200):
            return _all(request, OutcomeKind.APPLIED)
        return super().receive(request, response)


class BelievesErrors(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if request.purpose is Purpose.WRITE and _is(response, 502):
            return _all(request, OutcomeKind.APPLIED)
        return super().receive(request, response)


class BlamesAllForOne(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if request.purpose is Purpose.WRITE and _is(response, 500):
            return _all(request, OutcomeKind.REJECTED)
        return super().receive(request, response)


class IgnoresRetryAfter(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if isinstance(response, Response):
            response = msgspec.structs.replace(response, headers={})
        return super().receive(request, response)


class DoesNotClamp(WooCommerce):
    def to_show(self, update: StockUpdate) -> Shown:
        return Shown(update.quantity)


class NewestFirst(WooCommerce):
    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        return super().next_request(due[::-1], items_max)


class TrustsEveryShape(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        if _is(response, 200):
            told: Any = msgspec.json.decode(response.body)
            rows = told["update"] if isinstance(told, dict) else told
            assert all(isinstance(row["id"], int) for row in rows)
        return answer


class LooksUpForEver(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        self._listings.clear()
        return answer


class QuotesItsKey(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        if answer.trouble is None:
            return answer
        told = msgspec.structs.replace(answer.trouble, detail=f"with {self._secret}")
        return msgspec.structs.replace(answer, trouble=told)


class WritesByResemblance(WooCommerce):
    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        mended = [msgspec.structs.replace(u, sku=u.sku.strip()) for u in due]
        return super().next_request(mended, items_max)


class ReadsNothing(WooCommerce):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        return msgspec.structs.replace(answer, observed=())


class NeverRenews(Shopify):
    def renewal(self, now_s: int) -> Request | None:
        return None if "has_token" in self.__dict__ else super().renewal(now_s)

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        self.__dict__["has_token"] = True
        return super().renewed(answer, now_s)


class GivesUpWithoutCredentials(Shopify):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        if isinstance(response, Failure) and response.code in ("connect", "credentials"):
            return _all(request, OutcomeKind.REJECTED)
        return super().receive(request, response)


class CountsNoCosts(Amazon):
    def charges(self, request: Request) -> tuple[Charge, ...]:
        return ()


class KnowsOnePlace(Shopify):
    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        one = [
            msgspec.structs.replace(
                u,
                locations=tuple(
                    (p, u.quantity if not n else 0) for n, (p, _) in enumerate(u.locations)
                ),
            )
            for u in due
        ]
        return super().next_request(one, items_max)


class Feeding(Imitation):
    """An account whose changes go by feeds, unless they are few."""

    def __init__(self) -> None:
        super().__init__()
        self.options = {**self.options, "patch_at_most": 5}


class ForgetsFeedsOfTheLifeBefore(Amazon):
    subject = Feeding

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 20) -> Request | None:
        self._asks_feeds = False
        return super().next_request(due, items_max)


class TakesAcceptedForApplied(Amazon):
    def receive(self, request: Request, response: Response | Failure) -> Answer:
        answer = super().receive(request, response)
        told = [
            msgspec.structs.replace(o, kind=OutcomeKind.APPLIED)
            if o.kind is OutcomeKind.ACCEPTED
            else o
            for o in answer.outcomes
        ]
        return msgspec.structs.replace(answer, outcomes=tuple(told))


CASES: list[tuple[Any, str]] = [
    (ForgetsFeedsOfTheLifeBefore, "restart-while-accepted"),
    (TakesAcceptedForApplied, "shown"),
    (TakesAcceptedForApplied, "batches"),
    (NeverRenews, "renewed"),
    (GivesUpWithoutCredentials, "no-credentials"),
    (CountsNoCosts, "budget"),
    (KnowsOnePlace, "locations"),
    (WritesWhatItFirstHeard, "stale"),
    (WritesWhatItFirstHeard, "sold-there"),
    (IgnoresUnmapped, "unmapped"),
    (RemembersUnmapped, "unmapped"),
    (RemembersUnmapped, "relisted"),
    (LosesOnTimeOut, "unsent"),
    (ExceedsTheBatch, "batches"),
    (TakesThrottlingForRefusal, "throttle"),
    (TakesOutageForTheUpdatesFault, "storm"),
    (TakesExpiryForRefusal, "expired"),
    (BelievesAnything, "partial-failure"),
    (BelievesAnything, "garbage"),
    (BelievesErrors, "half-done"),
    (BlamesAllForOne, "poison"),
    (IgnoresRetryAfter, "retry-after"),
    (DoesNotClamp, "clamped"),
    (NewestFirst, "zero-lane"),
    (TrustsEveryShape, "hostile-types"),
    (TrustsEveryShape, "hostile-bodies"),
    (LooksUpForEver, "bounded"),
    (QuotesItsKey, "untold"),
    (WritesByResemblance, "odd-skus"),
    (ReadsNothing, "read"),
    (ReadsNothing, "first-load"),
]


def _kind(broken: Any) -> ChannelKind:
    if issubclass(broken, Shopify):
        return msgspec.structs.replace(SHOPIFY, adapter=broken)
    if issubclass(broken, Amazon):
        return msgspec.structs.replace(
            AMAZON,
            adapter=lambda terms: broken(terms.url, terms.options, terms.credential),
            subject=getattr(broken, "subject", Imitation),
        )
    return msgspec.structs.replace(WOOCOMMERCE, adapter=lambda terms: broken(*_account(terms)))


def _account(terms: Terms) -> tuple[str, str, str]:
    return terms.url, terms.credential("consumer_key"), terms.credential("consumer_secret")


@pytest.mark.parametrize(
    ("broken", "scenario"), CASES, ids=[f"{case.__name__}-{name}" for case, name in CASES]
)
def test_a_broken_adapter_fails_where_it_should(broken: Any, scenario: str) -> None:
    (played,) = [play(_kind(broken), one) for one in chosen([scenario])]
    assert played.result == "fail", played
    assert played.detail
