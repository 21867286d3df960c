"""Units that a shop has sold and that what we want to show does not know of. Pure.

A shop lowers its own number when it sells; a write of ours replaces that number. So from every
quantity that goes out, those units are taken away that the shop's orders show as sold and that the
availability was computed without. The rule, line by line of each order:

    unseen = units sold there - units that the ledger had claimed for the line
                                at the sequence number the availability was computed from

Both sides come from those who know: the shop's own orders, read right before the write, and the
ledger's answers, which carry the sequence number of the SKU, as each availability does. So it does
not matter in which order a sale, its webhook, the ledger's answer, a new availability and our write
come: the subtraction ends with the very version that contains the order.

Some claims never show in a version (a ceiling hides them, or the SKU is a kit's): a *pass* ends
those. One is opened, everything that was decided by then is waited for (``through.py``), and then
all claims that were known at its opening are in the newest version, whatever its number says.

What the shop shows less than all of this explains (a till without orders, an edit by hand) counts
as sold for a while, then as a mistake that a write may mend.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from stockfold.channels import Observed
from stockfold_services.publisher.sales import Claim, ShopOrder, SoldLine
from stockfold_services.publisher.sold_entries import ListingEntry, OrderEntry, Step

ORDERS_KEPT = 100_000
STEPS_KEPT = 8
KIT_SETTLED_S = 10.0
"""The claims of a kit's parts are made one after the other: so long after the last, all are."""
OLD_S = 60.0
"""An order from before our knowledge that changed: what it claims anew is claimed by then."""
RECHECK_S = 5.0
WAITING_S = 30.0
"""An order that does not reach us is read again so often: it may have been given up there."""


class SoldThere:
    """What one channel has sold, against what has reached us.

    ``known_from_us`` is from when on the ledger's answers are known, UTC microseconds;
    ``orders_since_us`` before which no order is ours to know. After ``give_up_s`` an order that
    never reached us is no longer subtracted.
    """

    def __init__(
        self,
        *,
        known_from_us: int = 0,
        orders_since_us: int = 0,
        unexplained_s: float = 120.0,
        give_up_s: float = 86_400.0,
    ) -> None:
        self._known_from_us = known_from_us
        self._orders_since_us = orders_since_us
        self._unexplained_s = unexplained_s
        self._give_up_s = give_up_s
        self._orders: OrderedDict[str, OrderEntry] = OrderedDict()
        self._open: dict[str, dict[str, None]] = {}
        """Orders by SKU of which units may be unseen."""
        self._listings: dict[str, ListingEntry] = {}
        self._drifting: set[str] = set()
        self._touched: dict[str, float] = {}
        self._doubtful: set[str] = set()
        self._wrote: tuple[str, float] | None = None
        self._tick = 0
        self._passed = 0
        self.given_up: list[str] = []
        """Orders that were given up since somebody looked last."""

    # What the shop's orders say.

    def noticed(self, told: ShopOrder, now_s: float) -> set[str]:
        """Take in an order as the shop shows it; the SKUs for which that may change something."""
        if told.placed_us < self._orders_since_us:
            return set()
        order = self._order(told.order)
        if told.revision <= order.revision:
            return set()
        self._count(order.lines, told.lines, now_s)
        for line in told.lines:
            if order.revision >= 0:
                self._listing(line.sku).resold += line.units
            elif not line.units:
                # Sold, written over, and put back, for all we know.
                self._touched[line.sku] = now_s
        changed = {line.sku for line in (*order.lines, *told.lines)}
        order.revision, order.placed_us = told.revision, told.placed_us
        order.lines, order.noticed_s = told.lines, now_s
        units = {line.line: line.units for line in told.lines}
        order.settled = {
            line: min(n, units[line]) for line, n in order.settled.items() if line in units
        }
        for sku in changed:
            self._open.get(sku, {}).pop(told.order, None)
        for line in told.lines:
            if line.units:
                self._open.setdefault(line.sku, {})[told.order] = None
        return changed

    def _order(self, name: str) -> OrderEntry:
        order = self._orders.get(name)
        if order is None:
            order = self._orders[name] = OrderEntry()
            if len(self._orders) > ORDERS_KEPT:
                self._forget_oldest()
        self._orders.move_to_end(name)
        return order

    def _forget_oldest(self) -> None:
        for name, order in self._orders.items():
            if not any(name in self._open.get(line.sku, ()) for line in order.lines):
                del self._orders[name]
                return

    def _count(
        self, before: tuple[SoldLine, ...], after: tuple[SoldLine, ...], now_s: float
    ) -> None:
        """What a listing must show less now, and that it has been sold."""
        change: dict[str, int] = {}
        for sign, lines in ((-1, before), (1, after)):
            for line in lines:
                change[line.sku] = change.get(line.sku, 0) + sign * line.units
        for sku, units in change.items():
            if not units:
                continue
            self._touch(sku, now_s)
            if units > 0:
                # What was put back may have been written over since: it explains nothing.
                listing = self._listing(sku)
                listing.sold += units
                listing.unexplained = max(listing.unexplained - units, 0)

    def _touch(self, sku: str, now_s: float) -> None:
        self._listing(sku).sales_s.append(now_s)
        self._touched[sku] = now_s

    # What the ledger says.

    def claimed(self, claim: Claim, now_s: float) -> set[str]:
        """Take in how a line stands; the SKUs for which that may change something."""
        order = self._order(claim.order)
        steps = order.claims.setdefault((claim.ledger_line, claim.sku), [])
        if steps and claim.seq <= steps[-1].seq:
            return set()
        if not steps or steps[-1].units != claim.units:
            self._touch(claim.sku, now_s)
        steps.append(Step(claim.seq, claim.units, self._tick, now_s))
        del steps[:-STEPS_KEPT]
        line = _line_of(claim.ledger_line)
        return {claim.sku} | {told.sku for told in order.lines if told.line == line}

    def unseen(self, sku: str, seq: int) -> int:
        """Units to take away from the newest availability of a SKU, computed from ``seq``."""
        units = 0
        waiting = self._open.get(sku)
        for name in list(waiting or ()):
            lacking = sum(
                self._lacking(self._orders[name], line, seq)
                for line in self._orders[name].lines
                if line.sku == sku
            )
            units += lacking
            # Sequence numbers of the newest version only rise: what is here stays here.
            if not lacking and waiting is not None:
                waiting.pop(name)
        if waiting is not None and not waiting:
            self._open.pop(sku, None)
        listing = self._listings.get(sku)
        return units + (0 if listing is None else listing.unexplained)

    def _lacking(self, order: OrderEntry, line: SoldLine, seq: int) -> int:
        claimed = sum(
            self._as_of(steps, seq)
            for (ledger_line, sku), steps in order.claims.items()
            if sku == line.sku and _line_of(ledger_line) == line.line
        )
        return max(line.units - max(claimed, order.settled.get(line.line, 0)), 0)

    def _as_of(self, steps: list[Step], seq: int) -> int:
        for step in reversed(steps):
            if step.seq <= seq or step.tick < self._passed:
                return step.units
        return 0

    # Passes.

    def open_pass(self) -> int | None:
        """The number of a pass, when some claim waits for one; None otherwise."""
        waits = any(
            step.tick >= self._passed
            for name in self._waiting()
            for steps in self._orders[name].claims.values()
            for step in steps[-1:]
        )
        if not waits:
            return None
        self._tick += 1
        return self._tick

    def _waiting(self) -> set[str]:
        return {name for names in self._open.values() for name in names}

    def passed(self, number: int) -> set[str]:
        """All that was decided when the pass was opened is in the newest versions now."""
        self._passed = max(self._passed, number)
        return {line.sku for name in self._waiting() for line in self._orders[name].lines}

    def _is_kit_here(self, order: OrderEntry, line: SoldLine, now_s: float) -> bool:
        """Whether all parts of a line that is claimed part by part are in the newest version."""
        parts = {
            sku: steps[-1]
            for (ledger_line, sku), steps in order.claims.items()
            if _line_of(ledger_line) == line.line
        }
        return (
            bool(parts)
            and line.sku not in parts
            and all(
                step.units > 0 and step.tick < self._passed and now_s - step.at_s >= KIT_SETTLED_S
                for step in parts.values()
            )
        )

    # What time ends.

    def settle(self, now_s: float) -> set[str]:
        """End what has been taken away for long enough; the SKUs it was taken from."""
        changed: set[str] = set()
        for sku in list(self._drifting):
            listing = self._listings[sku]
            if now_s - listing.unexplained_s >= self._unexplained_s or not listing.unexplained:
                listing.unexplained = 0
                self._drifting.discard(sku)
                changed.add(sku)
        for name in self._waiting():
            order = self._orders[name]
            for line in order.lines:
                if self._is_kit_here(order, line, now_s):
                    order.settled[line.line] = line.units
                    changed.add(line.sku)
            age_s = now_s - order.noticed_s
            old = order.placed_us < self._known_from_us and age_s >= OLD_S
            if old or age_s >= self._give_up_s:
                order.settled = {line.line: line.units for line in order.lines}
                changed |= {line.sku for line in order.lines}
                if not old:
                    self.given_up.append(name)
        return changed

    # What the channel shows.

    def _listing(self, sku: str) -> ListingEntry:
        listing = self._listings.get(sku)
        if listing is None:
            listing = self._listings[sku] = ListingEntry()
        return listing

    def sending(self, skus: list[str], now_s: float) -> None:
        """Writes of these go out: what they show is not known until it is echoed or read."""
        for sku in skus:
            listing = self._listing(sku)
            listing.base, listing.sold, listing.shown, listing.resold = None, 0, None, 0
            listing.sent_s = now_s

    def wrote(self, sku: str, now_s: float) -> None:
        """A write went out that shows some of a SKU: a while later, orders are asked for once more.

        Those that were placed amidst are found then, whatever becomes of their webhooks.
        """
        self._wrote = (sku, now_s)

    def is_doubtful(self, sku: str) -> bool:
        """Whether it is to be looked at, not written."""
        return sku in self._doubtful

    def asking(self, skus: Iterable[str]) -> None:
        """What these show is asked for now."""
        for sku in skus:
            listing = self._listing(sku)
            listing.sold_then, listing.resold_then = listing.sold, listing.resold

    def observed(self, one: Observed, now_s: float, asked_s: float | None = None) -> None:
        """Take in what a listing shows. The echo of our own write is what we set, no sale.

        Of what was merely read, asked at ``asked_s``, ``weigh`` draws the conclusions, once orders
        were read too. Sales from before the question, or the write, need no other look.
        """
        listing = self._listing(one.sku)
        listing.seen_s = now_s
        self._doubtful.discard(one.sku)
        if one.written is not None:
            listing.base = one.written
            asked_s = listing.sent_s
        else:
            listing.shown = one.quantity
        if asked_s is not None and self._touched.get(one.sku, now_s) < asked_s:
            del self._touched[one.sku]

    def weigh(self, sku: str, now_s: float) -> None:
        """Compare what was read with what the channel should show after its known sales."""
        listing = self._listing(sku)
        shown, listing.shown = listing.shown, None
        if shown is None:
            return
        # What was noticed after the reading may have been sold before it or after.
        later = max(listing.sold - listing.sold_then, 0)
        if listing.base is not None:
            missing = listing.base - listing.sold - shown
            if missing > listing.resold:
                listing.unexplained += missing - listing.resold
                listing.unexplained_s = now_s
                self._drifting.add(sku)
            elif missing <= 0:
                listing.unexplained = max(listing.unexplained + missing, 0)
            later = min(later, max(-missing, 0) + listing.resold)
        listing.base, listing.sold = shown, later
        listing.resold = max(listing.resold - listing.resold_then, 0)

    def forget(self, sku: str) -> None:
        """What it shows was found to be wrong: it is read before the next write, and units that no
        order explains are no sale.
        """
        listing = self._listings.get(sku)
        if listing is not None:
            listing.base, listing.sold, listing.shown = None, 0, None
            listing.unexplained, listing.seen_s = 0, None
            self._drifting.discard(sku)

    def seen_s(self, sku: str) -> float | None:
        """When the listing was seen last; None for never."""
        listing = self._listings.get(sku)
        return None if listing is None else listing.seen_s

    def sales_s(self, sku: str) -> tuple[float, ...]:
        """When units of it were noticed as sold or claimed, the newest last; a few of them."""
        listing = self._listings.get(sku)
        return () if listing is None else tuple(listing.sales_s)

    def to_recheck(self, now_s: float, is_busy: Callable[[str], bool]) -> list[str]:
        """Listings to be looked at again, each once: those that sold something a while ago, and
        those with orders that do not reach us. Those that are busy come later.
        """
        due = [
            sku
            for sku, at_s in self._touched.items()
            if now_s - at_s >= RECHECK_S and not is_busy(sku)
        ]
        waiting = [sku for sku in self._open if now_s - self._listing(sku).looked_s >= WAITING_S]
        for sku in due:
            del self._touched[sku]
        for sku in waiting:
            self._listing(sku).looked_s = now_s
        if self._wrote and now_s - self._wrote[1] >= RECHECK_S and not is_busy(self._wrote[0]):
            due.append(self._wrote[0])
            self._wrote = None
        self._doubtful.update(due, waiting)
        return list(dict.fromkeys([*due, *waiting]))


def _line_of(ledger_line: str) -> str:
    """The shop's line of a line in the ledger, which may be one of several (``1~2``)."""
    return ledger_line.partition("~")[0]
