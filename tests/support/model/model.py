"""The model of one SKU, and of several."""

from __future__ import annotations

from . import floor, promises
from .book import BUCKETS
from .checks import DAY_US, PHYSICAL, Memory, check_sense
from .log import Answer, Refused
from .state import Fence, Limit, State
from .transfers import Transfer


class Model:
    """Feed it inputs in order, then ask it for the numbers.

    ``dedupe`` False leaves repeats to the life cycles of the entities (property 3).
    """

    def __init__(
        self,
        sku: str,
        *,
        dedupe: bool = True,
        dedupe_horizon_us: int = 7 * DAY_US,
        movement_horizon_us: int = 7 * DAY_US,
    ) -> None:
        self.sku = sku
        self.state = State()
        self._dedupe = dedupe
        self._dedupe_horizon_us = dedupe_horizon_us
        self._movement_horizon_us = movement_horizon_us
        self._memory = Memory()

    def feed(
        self,
        event_type: str,
        body: dict,
        *,
        event_id: str,
        source: str,
        occurred_us: int,
        now_us: int,
        sequence: int | None = None,
    ) -> None:
        """One input. Ruling 34: due expiries, its own, unparked, backorders, expiries again."""
        event_type = event_type.removeprefix("stockfold.")
        promises.expire(self.state, now_us)
        try:
            check_sense(event_type, body)
            if not self._told_before(event_type, body, event_id, source, sequence):
                self._decide(event_type, body, occurred_us, now_us)
                # Ruling 22: an id registers only when its event is accepted.
                if self._memory.accept(event_type, body, event_id, source, sequence):
                    self.state.log.flag("sequence_gap")  # Ruling 35.
        except Refused as refused:
            self.state.log.refuse(refused.kind)
        self._settle(now_us)

    def tick(self, now_us: int) -> None:
        """The ledger's own timer."""
        promises.expire(self.state, now_us)
        self._settle(now_us)

    def _settle(self, now_us: int) -> None:
        """Backorders, then expiries again (ruling 34), until nothing changes.

        What expires in the end is ATP that rises, and waiting backorders come first in the same
        decision (Reservations).
        """
        changed = True
        while changed:
            changed = promises.serve_backorders(self.state)
            changed |= promises.expire(self.state, now_us)

    def _told_before(
        self, event_type: str, body: dict, event_id: str, source: str, sequence: int | None
    ) -> bool:
        return self._dedupe and self._memory.told_before(
            event_type, body, event_id, source, sequence
        )

    def _decide(self, event_type: str, body: dict, occurred_us: int, now_us: int) -> None:
        if event_type in PHYSICAL:
            if occurred_us < now_us - self._dedupe_horizon_us:
                raise Refused("older_than_horizon")  # Inputs: to the desk, never folded blindly.
            if self._memory.document_told_before(event_type, body):
                return  # Ruling 20: it corroborates and never folds twice.
            if occurred_us > now_us:
                self.state.log.flag("occurred_in_future")  # Ruling 17.
        occurred_us = min(occurred_us, now_us)  # Ruling 17.
        levels, oversold = self.state.book.levels.copy(), self.state.oversold()
        if event_type in promises.COMMANDS:
            promises.command(self.state, event_type, body, now_us)
        elif event_type == "StockCounted":
            self._count(body, now_us)
        elif event_type in HANDLERS:
            getattr(self, HANDLERS[event_type])(body, occurred_us)
        else:
            raise Refused("unknown_event_type")
        for (bucket, place), level in self.state.book.levels.items():
            if bucket != "in_transit" and level < min(levels[bucket, place], 0):
                # Folded and flagged; in transit alone is signed by nature (rulings 7 and 29).
                self.state.log.flag(f"{bucket}_negative")
        if any(n > oversold[place] for place, n in self.state.oversold().items()):
            self.state.log.flag("oversold")  # Another exception than a negative shelf.

    # Receipts ------------------------------------------------------------------------------

    def _inbound_expected(self, body: dict, occurred_us: int) -> None:
        self.state.inbounds.expect(body)

    def _inbound_closed(self, body: dict, occurred_us: int) -> None:
        self.state.inbounds.close(body)

    def _goods_received(self, body: dict, occurred_us: int) -> None:
        shelf = (body.get("condition") or "on_hand", body["location"])
        self.state.book.move(body["quantity"], ("supplier", ""), shelf, occurred_us)
        inbound = body.get("inbound")
        if inbound is not None and self.state.inbounds.receive(
            inbound, body.get("line"), body["quantity"]
        ):
            self.state.log.flag("over_receipt")

    # Transfers -----------------------------------------------------------------------------

    def _transfer_dispatched(self, body: dict, occurred_us: int) -> None:
        transfer = self._transfer(body)
        transfer.dispatches.append(body)
        self._restate(transfer, occurred_us)

    def _transfer_received(self, body: dict, occurred_us: int) -> None:
        transfer = self._transfer(body)
        transfer.receipts.append(body)
        self._restate(transfer, occurred_us)

    def _transfer_closed(self, body: dict, occurred_us: int) -> None:
        transfer = self._transfer(body)
        if transfer.remainder not in {None, body["remainder"]}:
            raise Refused("payload_conflict")  # Choice: the first close stays (as ruling 6).
        transfer.remainder = body["remainder"]
        transfer.restate(self.state.book, occurred_us)

    def _transfer(self, body: dict) -> Transfer:
        return self.state.transfers.setdefault(body["transfer"], Transfer())

    def _restate(self, transfer: Transfer, occurred_us: int) -> None:
        transfer.restate(self.state.book, occurred_us)
        if transfer.over_received():
            self.state.log.flag("transfer_over_receipt")

    # Returns -------------------------------------------------------------------------------

    def _return_authorized(self, body: dict, occurred_us: int) -> None:
        """Informative: moves nothing."""

    def _return_received(self, body: dict, occurred_us: int) -> None:
        shelf = (body.get("condition") or "quality_hold", body["location"])
        self.state.book.move(body["quantity"], ("customer", ""), shelf, occurred_us)
        key = (body.get("order"), body.get("line"))
        if None not in key:  # Ruling 31: comparable only when it names order and line.
            self.state.returned[key] += body["quantity"]
            line = self.state.lines.get(key)
            if self.state.returned[key] > (line.shipped if line else 0):
                self.state.log.flag("return_over_shipped")

    def _return_dispositioned(self, body: dict, occurred_us: int) -> None:
        held = ("quality_hold", body["location"])  # Ruling 28: even before its return.
        self._leave(body, held, occurred_us)

    # Adjustments ---------------------------------------------------------------------------

    def _stock_adjusted(self, body: dict, occurred_us: int) -> None:
        shelf = (body.get("bucket") or "on_hand", body["location"])
        self.state.book.move(body["delta"], ("adjustment", ""), shelf, occurred_us)  # Ruling 29.

    def _stock_status_changed(self, body: dict, occurred_us: int) -> None:
        self._leave(body, (body["from"], body["location"]), occurred_us)  # Ruling 28.

    def _leave(self, body: dict, source: tuple[str, str], occurred_us: int) -> None:
        target = (body["to"], body["location"] if body["to"] in BUCKETS else "")
        self.state.book.move(body["quantity"], source, target, occurred_us)

    def _count(self, body: dict, now_us: int) -> None:
        shelf = (body.get("bucket") or "on_hand", body["location"])
        newest = self.state.book.counted_as_of.get(shelf)
        if body["as_of"] > now_us:
            raise Refused("count_in_future")  # Ruling 16.
        if body["as_of"] < now_us - self._movement_horizon_us:
            raise Refused("count_too_old")  # Inputs: a count older than the movement horizon.
        if newest is not None and body["as_of"] < newest:
            raise Refused("count_superseded")  # Ruling 16: the newest rules.
        self.state.book.count(shelf, body["counted"], body["as_of"])

    def _stock_snapshot_reported(self, body: dict, occurred_us: int) -> None:
        shelf = (body.get("bucket") or "on_hand", body["location"])
        # Choice: compared with the level as of the figure's own time.
        level = self.state.book.levels[shelf] - self.state.book.after(shelf, body["as_of"])
        if level != body["quantity"]:
            self.state.log.flag("snapshot_differs")

    # Allocations and shipments -------------------------------------------------------------

    def _stock_allocated(self, body: dict, occurred_us: int) -> None:
        floor.allocate(self.state, body)

    def _stock_deallocated(self, body: dict, occurred_us: int) -> None:
        floor.deallocate(self.state, body)

    def _stock_shipped(self, body: dict, occurred_us: int) -> None:
        floor.ship(self.state, body, occurred_us)

    def _order_line_cancelled(self, body: dict, occurred_us: int) -> None:
        floor.cancel(self.state, body)

    # Policy --------------------------------------------------------------------------------

    def _ring_fence_set(self, body: dict, occurred_us: int) -> None:
        known = self.state.fences.get(body["channel"])
        if known is None or body["revision"] > known.revision:
            fence = Fence(body["quantity"], body.get("priority", 0), body["revision"])
            self.state.fences[body["channel"]] = fence

    def _backorder_limit_set(self, body: dict, occurred_us: int) -> None:
        known = self.state.limits.get(body["channel"])
        if known is None or body["revision"] > known.revision:
            self.state.limits[body["channel"]] = Limit(body.get("quantity"), body["revision"])

    # Queries: rows that are all zero are left out ------------------------------------------

    def positions(self) -> dict[str, dict[str, int]]:
        """Buckets, claims and signed ATP per location."""
        state, result = self.state, {}
        places = {place for _, place in state.book.levels} | {p for p, _ in state.claims()}
        for place in sorted(places):
            row = {bucket: state.book.levels[bucket, place] for bucket in BUCKETS}
            row["reserved"] = sum(r for (p, _), (r, _a) in state.claims().items() if p == place)
            row["allocated"] = sum(a for (p, _), (_r, a) in state.claims().items() if p == place)
            row["atp"] = row["on_hand"] - row["allocated"] - row["reserved"]
            if any(row.values()):
                result[place] = row
        return result

    def outside(self) -> dict[str, int]:
        """supplier, customer, lost, scrapped, adjustment."""
        return dict(self.state.book.outside)

    def atp(self) -> int:
        """ATP per SKU: the sum over locations of max(ATP, 0)."""
        return self.state.pool()

    def deficit(self) -> int:
        """The sum over locations of max(-ATP, 0)."""
        return self.state.deficit()

    def claims(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(reserved, allocated) per (location, channel); channel is empty until known."""
        return self.state.claims()

    def backordered(self) -> dict[str, int]:
        """Units waiting per channel."""
        channels = {line.channel for line in self.state.lines.values()}
        waiting = {channel: self.state.backordered(channel) for channel in sorted(channels)}
        return {channel: n for channel, n in waiting.items() if n}

    def lines(self) -> dict[tuple[str, str], dict[str, int]]:
        """The terms of ruling 2 per (order, line)."""
        result = {}
        for key, line in sorted(self.state.lines.items()):
            row = {
                "ordered": line.ordered,
                "unordered": line.unordered,
                "reserved": sum(line.reserved.values()),
                "allocated": line.allocated,
                "backordered": line.backordered,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "expired": line.expired,
                "rejected": line.rejected,
            }
            if any(row.values()):
                result[key] = row
        return result

    def expected(self) -> dict[tuple[str, str], tuple[str, int]]:
        """(location, remaining) of every inbound line that still expects something."""
        inbounds = self.state.inbounds
        rest = {key: n for key, n in inbounds.remaining().items() if n}
        return {key: (inbounds.lines[key].location, n) for key, n in sorted(rest.items())}

    def answers(self) -> list[Answer]:
        """Every answer and spontaneous change, in order."""
        return list(self.state.log.answers)

    def exceptions(self, *, folded: bool | None = None) -> list[str]:
        """Kinds in order; folded True gives the findings alone, False the refused inputs."""
        return [k for k, was in self.state.log.exceptions if folded is None or was == folded]

    def parked(self) -> list[tuple[str, str, str]]:
        """(event type, kind of entity, id) of every input that waits for an entity."""
        return sorted((p.event_type, *name) for p in self.state.parked for name in p.waits_for)

    def invariants(self) -> None:
        """Raise AssertionError when something that always holds does not."""
        assert self.state.book.total() == 0, self.state.book.total()
        for line in self.state.lines.values():
            assert line.balance() == 0, line
            numbers = [n for name, n in vars(line).items() if isinstance(n, int)]
            numbers += [*line.reserved.values(), *(a.open for a in line.allocations)]
            assert all(n >= 0 for n in numbers), line


# The handler of every input that is not a reservation command or a count.
HANDLERS = {
    name: "".join("_" + c.lower() if c.isupper() else c for c in name)
    for name in (
        "InboundExpected",
        "InboundClosed",
        "GoodsReceived",
        "TransferDispatched",
        "TransferReceived",
        "TransferClosed",
        "ReturnAuthorized",
        "ReturnReceived",
        "ReturnDispositioned",
        "StockAdjusted",
        "StockStatusChanged",
        "StockSnapshotReported",
        "StockAllocated",
        "StockDeallocated",
        "StockShipped",
        "OrderLineCancelled",
        "RingFenceSet",
        "BackorderLimitSet",
    )
}


class Models:
    """Several SKUs, each its own model; the body's sku chooses."""

    def __init__(self, *, dedupe: bool = True) -> None:
        self._dedupe = dedupe
        self.skus: dict[str, Model] = {}

    def __getitem__(self, sku: str) -> Model:
        return self.skus.setdefault(sku, Model(sku, dedupe=self._dedupe))

    def feed(self, event_type: str, body: dict, **envelope) -> None:
        self[body["sku"]].feed(event_type, body, **envelope)

    def tick(self, now_us: int) -> None:
        for model in self.skus.values():
            model.tick(now_us)
