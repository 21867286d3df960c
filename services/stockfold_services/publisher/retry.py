"""When to try again: exponential back-off with full jitter, bounded."""

from __future__ import annotations

import logging
import random

import msgspec

from stockfold.channels import Purpose, Trouble, TroubleKind

log = logging.getLogger(__name__)


class RetryPolicy(msgspec.Struct, frozen=True):
    """How patient the publisher is.

    One version of one SKU is given up ``window_s`` after its first failed request, and after
    ``attempts_max`` of them. A channel that serves nobody is asked for ever, at most every
    ``cap_s``, on average half of it, and nothing counts against the updates meanwhile.
    """

    base_s: float = 0.5
    cap_s: float = 60.0
    attempts_max: int = 60
    window_s: float = 900.0

    def delay_s(self, failures: int, rng: random.Random) -> float:
        """Full jitter: anything between now and the exponential bound."""
        bound = min(self.cap_s, self.base_s * 2.0 ** min(failures, 30))
        return rng.uniform(0.0, bound)


class Breaker:
    """Whether a channel may be asked: closed, open until a moment, or half open.

    After any trouble the channel rests, then one cheap probe goes out, and only behind a good one
    the next real request, alone. Trouble with writes ends with a good write: a key that may read
    but not write must not look healthy after each probe.
    """

    def __init__(self, policy: RetryPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self._level = 0
        self._purpose = Purpose.LOOK_UP
        self._probed = False
        self.trouble: Trouble | None = None
        self.troubled_since_s = 0.0
        self.rests_until_s = 0.0

    @property
    def is_open(self) -> bool:
        """True from the first trouble to the request that proves it over."""
        return self.trouble is not None

    @property
    def needs_probe(self) -> bool:
        """True when the next request must be a probe."""
        return self.trouble is not None and not self._probed

    def take(
        self, channel: str, purpose: Purpose, trouble: Trouble | None, now_s: float, *, probe: bool
    ) -> None:
        """A request of ``purpose`` was answered; what that changes is told in the log."""
        if trouble is None:
            if self.succeeded(purpose, probe=probe):
                log.info("channel %s serves again", channel)
            return
        if self.trouble is None or self.trouble.kind is not trouble.kind:
            level = logging.ERROR if trouble.kind is TroubleKind.REFUSED else logging.WARNING
            kind, code, detail = trouble.kind.value, trouble.code, trouble.detail
            log.log(level, "channel %s is %s (%s): %s", channel, kind, code, detail)
        self.failed(trouble, purpose, now_s)

    def failed(self, trouble: Trouble, purpose: Purpose, now_s: float) -> None:
        """A request of ``purpose`` met trouble."""
        if self.trouble is None:
            self.troubled_since_s = now_s
        if self.trouble is None or purpose is Purpose.WRITE:
            self._purpose = purpose
        self.trouble = trouble
        self._probed = False
        # A channel that only says "slower" is back at once with the pace it names.
        delay_s = self._policy.delay_s(self._level, self._rng)
        if trouble.retry_after_s is not None:
            delay_s += trouble.retry_after_s
        self.rests_until_s = max(self.rests_until_s, now_s + delay_s)
        if trouble.kind is not TroubleKind.LIMITED or trouble.retry_after_s is None:
            self._level += 1

    def succeeded(self, purpose: Purpose, *, probe: bool) -> bool:
        """A request of ``purpose`` was served; True when that ends the trouble."""
        if self.trouble is None:
            return False
        self._probed = True
        if probe or (self._purpose is Purpose.WRITE and purpose is not Purpose.WRITE):
            return False
        self.trouble = None
        self._level = 0
        return True
