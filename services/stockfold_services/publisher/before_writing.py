"""What is asked before a write, and the write that comes of it. A conversation: no I/O, no clock.

write ──▶ what do they show? ──▶ which orders changed? ──▶ what has the ledger claimed? ──▶ write
(where it matters)     (one question for all)    (CATCH_UP)                    of what is
left, less
the unseen
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import msgspec

from stockfold.channels import (
    Adapter,
    Failure,
    Observed,
    OrderReading,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold.channels.orders import ChannelOrder
from stockfold.domain.times import SECOND_US
from stockfold_services.publisher.read_policy import ReadPolicy
from stockfold_services.publisher.sales import shop_order
from stockfold_services.publisher.sold_there import SoldThere

ALREADY_SHOWN = "already_shown"
OVERLAP_US = 60 * SECOND_US
"""Orders become visible a moment after the second that they are dated with."""
REFUSED_S = 600.0
"""A key that may not read orders is tried again after so long."""

T = TypeVar("T")


class CatchUp(enum.Enum):
    """To be done by the caller: take in every claim that the ledger has made until now."""

    CLAIMS = 0


Asked = Request | CatchUp
Looking = Generator[Asked, Response | Failure | None, T]
Current = Callable[[StockUpdate], StockUpdate | None]
"""The update as it is to be sent now; None when a newer version has come."""


class Prepared(msgspec.Struct, frozen=True):
    """What became of a write: the request to make now, if any is left.

    ``outcomes`` need no request. Updates in neither are wanted as before. ``trouble`` came up in
    asking; nothing is written then. ``observed`` is what was read.
    """

    request: Request | None
    outcomes: tuple[Outcome, ...] = ()
    trouble: Trouble | None = None
    observed: tuple[Observed, ...] = ()

    @property
    def still_out(self) -> set[str]:
        """The SKUs that are to be written."""
        return set() if self.request is None else {u.sku for u in self.request.updates}


class BeforeWriting:
    """Asks one channel before it is written. ``tell`` hears of every order that was read."""

    def __init__(
        self,
        adapter: Adapter,
        sold: SoldThere,
        policy: ReadPolicy,
        orders_after_us: int,
        now_s: Callable[[], float],
        tell: Callable[[Sequence[ChannelOrder]], None],
    ) -> None:
        self._adapter = adapter
        self._sold = sold
        self._policy = policy
        self._after_us = orders_after_us
        self._now_s = now_s
        self._tell = tell
        self._refused_until_s = 0.0
        self.refusal: Trouble | None = None
        """Why orders cannot be read at present; what listings show is all there is then."""

    def look(self, write: Request, current: Current) -> Looking[Prepared]:
        """Ask what is to be asked before a write. What is to show zero needs no question."""
        rising = [u for u in write.updates if self._shows_some(u)]
        seen: dict[str, Observed] = {}
        if rising:
            trouble = yield from self._read(rising, seen)
            if trouble is None:
                trouble = yield from self._read_orders()
            if trouble is not None:
                return Prepared(None, (), trouble, tuple(seen.values()))
            yield CatchUp.CLAIMS
            for sku in seen:
                self._sold.weigh(sku, self._now_s())
        return self._prepare(write, seen, current)

    def _shows_some(self, update: StockUpdate) -> bool:
        whole = msgspec.structs.replace(update, unseen=0)
        return self._adapter.to_show(whole).quantity > 0

    def _read(
        self, rising: Sequence[StockUpdate], seen: dict[str, Observed]
    ) -> Looking[Trouble | None]:
        now_s = self._now_s()
        wanted = [u for u in rising if self._policy.reads(self._sold, u.sku, now_s)]
        while wanted:
            request, asked_s = self._adapter.read(wanted), self._now_s()
            self._sold.asking(update.sku for update in request.updates)
            answer = self._adapter.receive(request, _answered((yield request)))
            if answer.trouble is not None:
                return answer.trouble
            for one in answer.observed:
                self._sold.observed(one, self._now_s(), asked_s)
                seen[one.sku] = one
            asked = {update.sku for update in request.updates}
            wanted = [update for update in wanted if update.sku not in asked]
        return None

    def _read_orders(self) -> Looking[Trouble | None]:
        if not self._policy.orders or self._now_s() < self._refused_until_s:
            return None
        reading: OrderReading = self._adapter.changed_orders(max(self._after_us - OVERLAP_US, 0))
        while (request := reading.request) is not None:
            page = reading.receive(_answered((yield request)))
            if page.trouble is not None:
                return self._without_orders(page.trouble)
            for order in page.orders:
                self._sold.noticed(shop_order(order), self._now_s())
            self._tell(page.orders)
        self._after_us = max(self._after_us, reading.latest_us)
        self.refusal = None
        return None

    def _without_orders(self, trouble: Trouble) -> Trouble | None:
        if trouble.kind is not TroubleKind.REFUSED:
            return trouble
        self._refused_until_s = self._now_s() + REFUSED_S
        self.refusal = trouble
        return None

    def _prepare(self, write: Request, seen: dict[str, Observed], current: Current) -> Prepared:
        left: list[StockUpdate] = []
        outcomes: list[Outcome] = []
        for update in write.updates:
            now = current(update)
            if now is None:
                continue
            one = seen.get(update.sku)
            if one is not None and _is_shown(one, self._adapter.to_show(now)):
                outcomes.append(Outcome(now, OutcomeKind.APPLIED, ALREADY_SHOWN))
            else:
                left.append(now)
        request = self._adapter.next_request(left)
        if request is not None and request.purpose is Purpose.WRITE:
            self._sold.sending([update.sku for update in request.updates], self._now_s())
            shows = [u.sku for u in request.updates if self._adapter.to_show(u).quantity > 0]
            if shows:
                self._sold.wrote(shows[0], self._now_s())
        return Prepared(request, tuple(outcomes), None, tuple(seen.values()))


def _answered(answer: Response | Failure | None) -> Response | Failure:
    assert answer is not None, "a request is answered"
    return answer


def _is_shown(one: Observed, shown: Shown) -> bool:
    """Whether a listing shows all of what would be written; what was not read is written."""
    rule = not shown.backorders or shown.backorders == one.backorders
    return one.managed and one.quantity == shown.quantity and rule and not shown.extras
