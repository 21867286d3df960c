"""What the publisher tells of one channel connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, get_args

from stockfold.channels import Outcome, OutcomeKind, Purpose, Request, Trouble, TroubleKind
from stockfold.contracts.connections import ConnectionState
from stockfold.domain.times import SECOND_US
from stockfold.runtime.channel_control import State
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.objectives import Judge, judge
from stockfold_services.publisher.wanted import Finished

STATES: tuple[State, ...] = get_args(State)


class Now(NamedTuple):
    """Where a connection stands: requests under way and allowed, owner, trouble, control."""

    at_us: int
    frozen: bool
    in_flight: int
    in_flight_limit: int
    owner: bool
    trouble: Trouble | None
    state: State


class ChannelMeter:
    """The measures of a channel. ``propagation`` judges how soon the shop shows what is so."""

    def __init__(self, channel: str, propagation: Judge | None = None) -> None:
        self._channel = channel
        self._propagation = propagation

    @classmethod
    def of(cls, settings: Settings, channel: str) -> ChannelMeter:
        """With the objective of the settings."""
        return cls(channel, judge(settings, "inventory_propagation"))

    def asked(self, request: Request, trouble: Trouble | None, seconds: float) -> None:
        """A request was answered, or was not."""
        purpose = request.purpose.value
        outcome = "served" if trouble is None else trouble.kind.value
        measures.PUBLISHER_REQUESTS.labels(self._channel, purpose, outcome).inc()
        measures.PUBLISHER_REQUEST.labels(self._channel, purpose).observe(seconds)
        if request.purpose is Purpose.WRITE:
            measures.PUBLISHER_WRITES.labels(self._channel).inc(len(request.updates))

    def landed(self, outcomes: Iterable[Outcome]) -> None:
        """Outcomes of a request; of those that end an update, ``finished`` tells."""
        counts = Counter(outcome.kind for outcome in outcomes)
        for kind in (OutcomeKind.RETRYABLE, OutcomeKind.ACCEPTED):
            if counts[kind]:
                measures.PUBLISHER_OUTCOMES.labels(self._channel, kind.value).inc(counts[kind])

    def finished(self, finished: Iterable[Finished]) -> None:
        """What became of availabilities."""
        for one in finished:
            if one.repeat:
                continue
            measures.PUBLISHER_OUTCOMES.labels(self._channel, one.kind.value).inc()
            took_us = one.took_us
            if took_us is not None and one.attempts:
                took_s = max(took_us, 0) / SECOND_US
                measures.PUBLISHER_PROPAGATION.labels(self._channel).observe(took_s)
                if self._propagation is not None:
                    self._propagation.took(self._channel, took_s)
            elif one.kind is OutcomeKind.GAVE_UP and self._propagation is not None:
                self._propagation.failed(self._channel)

    def look(self, now: Now) -> None:
        """How it stands, once a second."""
        channel = self._channel
        measures.PUBLISHER_FLYING.labels(channel).set(now.in_flight)
        measures.PUBLISHER_PACE.labels(channel).set(now.in_flight_limit)
        measures.PUBLISHER_FROZEN.labels(channel).set(now.frozen)
        measures.PUBLISHER_LEASE.labels(channel).set(now.owner)
        for kind in TroubleKind:
            is_so = now.trouble is not None and now.trouble.kind is kind
            measures.PUBLISHER_TROUBLE.labels(channel, kind.value).set(is_so)
        for known in STATES:
            measures.PUBLISHER_CONTROL.labels(channel, known).set(now.state == known)

    def waiting(self, state: ConnectionState) -> None:
        """What waits, every few seconds: counting it steps through every listing."""
        since_us = state.told_at if state.oldest_at is None else state.oldest_at
        age_s = max(state.told_at - since_us, 0) / SECOND_US
        measures.PUBLISHER_BACKLOG.labels(self._channel).set(state.waiting)
        measures.PUBLISHER_ACCEPTED.labels(self._channel).set(state.accepted)
        measures.PUBLISHER_OLDEST.labels(self._channel).set(age_s)

    def ended(self) -> None:
        """This process serves the channel no more: whoever does tells how it stands."""
        channel = self._channel
        for one in (measures.PUBLISHER_FLYING, measures.PUBLISHER_FROZEN, measures.PUBLISHER_LEASE):
            one.labels(channel).set(0)
        waiting = (measures.PUBLISHER_BACKLOG, measures.PUBLISHER_ACCEPTED)
        for one in (*waiting, measures.PUBLISHER_OLDEST):
            one.labels(channel).set(0)
        for kind in TroubleKind:
            measures.PUBLISHER_TROUBLE.labels(channel, kind.value).set(0)
