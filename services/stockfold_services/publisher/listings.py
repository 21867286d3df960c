"""How far each listing is: desired, sent, accepted, applied, observed; for the topic of listings.

What is told is what this process has seen, once a second and at most once a listing: however much
happens meanwhile, as many entries wait as there are listings. PostgreSQL has no part in it: the
projector brings the rows up to what was told, whenever it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from stockfold.channels import Outcome, OutcomeKind, StockUpdate
from stockfold.channels.port import Observed
from stockfold_services.publisher.wanted import Finished

_SHOWN = OutcomeKind.APPLIED


class State:
    """One listing, as far as it is known; None is what has not been seen since we started."""

    __slots__ = (
        "accepted_version", "applied_at", "applied_quantity", "applied_version",
        "desired_quantity", "desired_version", "detail", "listing", "observed_at",
        "observed_quantity", "observed_version", "outcome", "partition", "sent_at",
        "sent_quantity", "sent_version", "took_us",
    )  # fmt: skip

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.listing: str | None = None
        self.desired_version = 0
        self.desired_quantity = 0
        self.sent_version: int | None = None
        self.sent_quantity: int | None = None
        self.sent_at: int | None = None
        self.accepted_version: int | None = None
        self.applied_version: int | None = None
        self.applied_quantity: int | None = None
        self.applied_at: int | None = None
        self.took_us: int | None = None
        self.observed_version: int | None = None
        self.observed_quantity: int | None = None
        self.observed_at: int | None = None
        self.outcome = ""
        self.detail = ""

    def wants(self, version: int, quantity: int) -> None:
        """This version is in hand, unless a newer one is known."""
        if version > self.desired_version:
            self.desired_version, self.desired_quantity = version, quantity
            self.outcome = self.detail = ""

    def version_of(self, quantity: int | None) -> int:
        """Which version of ours has this quantity, the newest first; 0 when none."""
        known = (
            (self.sent_version, self.sent_quantity),
            (self.applied_version, self.applied_quantity),
        )
        return next((v for v, q in known if v is not None and q == quantity), 0)


class States(Protocol):
    """Where the states of listings are told."""

    async def tell(self, states: Sequence[tuple[str, State]]) -> None:
        """Tell them, as (SKU, state); returns when all are on record."""
        ...


class Listings:
    """The listings of one connection that this process has worked on."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._news: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._states)

    def _of(self, sku: str, partition: int) -> State:
        state = self._states.get(sku)
        if state is None:
            state = self._states[sku] = State(partition)
        self._news[sku] = None
        return state

    def asked(self, about: Iterable[tuple[StockUpdate, int, int]], sent_us: int | None) -> None:
        """A request is about these, as (update, quantity it shows, partition).

        ``sent_us`` is when it goes out if it is a write, else None.
        """
        for update, quantity, partition in about:
            state = self._of(update.sku, partition)
            state.wants(update.version, quantity)
            if sent_us is not None:
                state.sent_version, state.sent_quantity = update.version, quantity
                state.sent_at = sent_us

    def observed(self, seen: Iterable[Observed], now_us: int) -> None:
        """A response showed these. An echo says that the channel took what was written."""
        for one in seen:
            state = self._states.get(one.sku)
            if state is None:
                continue
            self._news[one.sku] = None
            if one.written is not None:
                state.accepted_version = state.sent_version
            state.listing = one.listing or state.listing
            state.observed_quantity, state.observed_at = one.quantity, now_us
            state.observed_version = state.version_of(one.quantity)

    def accepted(self, outcomes: Iterable[Outcome]) -> None:
        """A write was answered: the channel has these, and does them later."""
        for one in outcomes:
            state = self._states.get(one.update.sku)
            if one.kind is OutcomeKind.ACCEPTED and state is not None:
                state.accepted_version = one.update.version
                self._news[one.update.sku] = None

    def finished(self, finished: Iterable[Finished]) -> None:
        """Outcomes are known. What was superseded says nothing about what the channel shows."""
        for one in finished:
            if one.kind is OutcomeKind.SUPERSEDED:
                continue
            wanted = one.wanted
            state = self._of(wanted.sku, wanted.partition)
            state.wants(wanted.version, one.quantity)
            if one.kind is _SHOWN and wanted.version >= (state.applied_version or 0):
                state.applied_version, state.applied_quantity = wanted.version, one.quantity
                state.applied_at, state.took_us = one.finished_at_us, one.took_us
                state.accepted_version = max(state.accepted_version or 0, wanted.version)
                if state.observed_quantity == one.quantity:
                    state.observed_version = wanted.version
            if wanted.version == state.desired_version:
                state.outcome, state.detail = one.kind.value, one.detail

    def drop(self, partition: int) -> None:
        """Somebody else serves this partition now. What is not told yet is told first."""
        for sku in [s for s, state in self._states.items() if state.partition == partition]:
            del self._states[sku]
            self._news.pop(sku, None)

    async def tell(self, states: States) -> None:
        """Tell what is new. What changes meanwhile is told the next time."""
        if not self._news:
            return
        news, self._news = self._news, {}
        try:
            await states.tell([(sku, self._states[sku]) for sku in news if sku in self._states])
        except BaseException:
            self._news = {**news, **self._news}
            raise
