"""Sets the quantities of items whose levels are known, and reads what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Outcome,
    OutcomeKind,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold.channels.shopify import verdicts, writes
from stockfold.channels.shopify.listings import Listings
from stockfold.channels.shopify.terms import INPUTS_MAX, Places, ShopifyOptions

STALE_TIMES = 2
"""Writes in a row that others' changes have undone, until all of the next is asked anew."""
STALE_TIMES_MAX = 10
"""Until it is not tried again at once any more."""
SUSPECTS_MAX = 25
"""SKUs that are asked for again when one is stale and not named; more are halved before: a look at
100 costs as much as 40 writes."""
IN_PROGRESS_S = 1.0


class Writing:
    """Writes, and what their answers mean. It keeps ``listings`` as they are after each.

    ``name`` is the connection's: its keys are no other's.
    """

    def __init__(
        self,
        listings: Listings,
        to_show: Callable[[StockUpdate], Shown],
        options: ShopifyOptions,
        places: Places,
        name: str,
    ) -> None:
        self._listings = listings
        self._to_show = to_show
        self._options = options
        self._places = places
        self._name = name
        self.life = ""
        """Tells this life's keys from another's: Shopify keeps them for a day."""
        self._attempts: Counter[str] = Counter()
        self._quantities_max = options.quantities_max
        self._skus_max = INPUTS_MAX
        self._stale_in_row = 0

    def write(self, ready: Sequence[StockUpdate], failures: int) -> Request:
        """The write of the first of these, and as many others as fit."""
        left = max(self._quantities_max >> failures, 1)
        chosen: list[StockUpdate] = []
        for update in ready:
            item = self._listings.items[update.sku]
            left -= len(writes.rows_of(item, self._to_show(update)))
            if chosen and (left < 0 or len(chosen) >= self._skus_max):
                break
            chosen.append(update)
        attempts = (str(self._attempts[update.sku]) for update in chosen)
        salt = (self.life, self._name, *attempts)
        return writes.write(chosen, self._listings.items, self._to_show, self._options, salt)

    def read(self, request: Request, response: Response, told: writes.Told) -> Answer:
        """What the answer to a write means."""
        # What was answered was done or not: whatever is written next has another key.
        self._attempts.update(update.sku for update in request.updates)
        if told.errors:
            return self._refused(request, told.errors)
        self._stale_in_row = 0
        self._skus_max = min(self._skus_max * 2, INPUTS_MAX)
        moved = verdicts.moved(request, told, self._listings.items)
        if moved:
            self._listings.clear()  # Others may have changed places with it.
        ended = verdicts.version_ended(response, self._options)
        outcomes, seen = [], []
        for update, levels in writes.levels_of(request):
            if update.sku in moved:
                continue
            self._listings.wrote(update.sku, levels)
            item, shown = self._listings.items.get(update.sku), self._to_show(update)
            outcomes.append(verdicts.applied(update, item, shown, self._places, ended))
            seen += verdicts.echoed(update, item, sum(levels.values()))
        return Answer((*outcomes, *moved.values()), observed=tuple(seen))

    def too_large(self, request: Request, code: str, detail: str) -> Answer:
        """Write fewer from now on."""
        if len(request.updates) == 1:
            detail = f"refused for a single SKU: {detail}"
            return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, code, detail),))
        quantities = len(writes.owners(request))
        self._quantities_max = max(min(self._quantities_max, quantities) // 2, 1)
        return Answer()

    def unclear(self, request: Request) -> None:
        """It may have been done or not: what there is now is asked before the next.

        Which is another write than this: with its key, Shopify would tell of this one.
        """
        skus = [update.sku for update in request.updates]
        self._listings.doubt(skus)
        self._attempts.update(skus)

    def _refused(self, request: Request, errors: Sequence[writes.Error]) -> Answer:
        """None of it was done. Those without an outcome are written again at once."""
        owners = writes.owners(request)
        whole = [
            one
            for one in errors
            if one.index is None or one.index >= len(owners) or one.code in writes.SETTINGS
        ]
        if whole and whole[0].code in writes.STALE:
            return self._one_is_stale(request, whole[0])
        if whole:
            return self._refused_as_a_whole(request, whole[0])
        outcomes: dict[str, Outcome] = {}
        done: set[tuple[str, str]] = set()
        for error in errors:
            assert error.index is not None
            update, place = owners[error.index]
            # Each of its locations may be told as stale: it was changed once.
            if (update.sku, error.code) in done and error.code != writes.NOT_STOCKED:
                continue
            done.add((update.sku, error.code))
            outcome = self._refused_one(update, place, error)
            if outcome is not None:
                outcomes.setdefault(update.sku, outcome)
        is_stale = any(error.code in writes.STALE for error in errors)
        self._stale_in_row = self._stale_in_row + 1 if is_stale else 0
        if self._stale_in_row >= STALE_TIMES:
            self._listings.doubt(update.sku for update in request.updates)
        return Answer(tuple(outcomes.values()))

    def _one_is_stale(self, request: Request, error: writes.Error) -> Answer:
        """Somebody else has changed one of them, and Shopify does not say which."""
        skus = [update.sku for update in request.updates]
        self._stale_in_row += 1
        if len(skus) == 1:
            outcome = self._refused_one(request.updates[0], "", error)
            return Answer(() if outcome is None else (outcome,))
        if self._stale_in_row >= STALE_TIMES_MAX:
            self._listings.suspect(skus)
            return Answer(statuses.all_again(request, error.code, error.message))
        if len(skus) <= SUSPECTS_MAX:
            self._listings.suspect(skus)
        else:
            self._skus_max = len(skus) // 2
        return Answer()

    def _refused_one(self, update: StockUpdate, place: str, error: writes.Error) -> Outcome | None:
        """None: another try at once will do, because by then we know more."""
        if error.code in writes.STALE:
            if self._listings.sold(update.sku):
                return None
            return verdicts.again(update, error.code, error.message, self._options.settle_s)
        if error.code == writes.NOT_STOCKED:
            if self._listings.not_stocked(update.sku, place):
                return None
            self._listings.forget(update.sku)
            return verdicts.stocked_nowhere(update)
        if error.code == writes.NO_SUCH_ITEM:
            self._listings.forget(update.sku)
            return verdicts.again(update, error.code, error.message)
        self._listings.doubt([update.sku])
        remedy = writes.REMEDIES.get(error.code, "")
        return Outcome(update, OutcomeKind.REJECTED, error.code, error.message + remedy)

    def _refused_as_a_whole(self, request: Request, error: writes.Error) -> Answer:
        detail = error.message or "refused without a word"
        skus = [update.sku for update in request.updates]
        if error.code in writes.SETTINGS:
            return Answer(trouble=Trouble(TroubleKind.REFUSED, error.code, detail))
        if error.code == writes.IN_PROGRESS:
            self._attempts.subtract(skus)  # It is still being done: the same key again.
            return Answer(trouble=Trouble(TroubleKind.LIMITED, error.code, detail, IN_PROGRESS_S))
        self._listings.doubt(skus)
        if len(skus) > 1 or error.code in writes.NEW_KEY:
            return Answer(statuses.all_again(request, error.code, detail))
        return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, error.code, detail),))
