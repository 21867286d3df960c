"""What goes wrong on the way to a shop, on demand or at random from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from stockfold.channels.woocommerce.fake.catalogue import RestError

Kind = Literal["error", "html", "limited", "lost", "half", "dropped", "dripping"]
# What may happen at random; an answer that never ends is no matter of trying again.
KINDS: tuple[Kind, ...] = ("error", "html", "limited", "lost", "half", "dropped")

HTML = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr>nginx</body></html>"
)


@dataclass(slots=True)
class Fault:
    """One kind of failure for the next ``times`` requests that it fits.

    - ``error``: nothing is done, a JSON error of ``status``.
    - ``html``: nothing is done, a page of HTML with ``status`` (200 for a page that lies).
    - ``limited``: nothing is done, 429 with Retry-After of ``retry_after_s``.
    - ``lost``: everything is done, but the answer takes ``delay_s``: a time-out after success.
    - ``half``: a batch stops in the middle, then HTML and ``status``: an unknown prefix applied.
    - ``dropped``: nothing is done, and the connection breaks.
    - ``dripping``: nothing is done, and the answer comes a byte at a time without an end.
    """

    kind: Kind
    times: int = 1
    status: int = 503
    retry_after_s: float = 0.0
    delay_s: float = 0.0
    method: str = ""
    path: str = ""

    def fits(self, method: str, path: str) -> bool:
        """True when it is meant for such a request."""
        return self.times > 0 and self.method in ("", method) and self.path in path


class Faults:
    """The faults to come."""

    def __init__(self) -> None:
        self.queue: list[Fault] = []
        self.refusals: dict[str, RestError] = {}
        """What the key's user may not, by the beginning of the route."""
        self.met: dict[str, int] = dict.fromkeys(KINDS, 0)
        self._rate = 0.0
        self._random = random.Random(0)
        self._samples: list[Fault] = []

    def at_random(self, rate: float, seed: int, samples: list[Fault]) -> None:
        """From now on, a share ``rate`` of the requests meets one of ``samples``."""
        self._rate = rate
        self._random = random.Random(seed)
        self._samples = samples

    def admit(self, route: str) -> None:
        """RestError for what the key's user may not."""
        for beginning, error in self.refusals.items():
            if route.startswith(beginning):
                raise error

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, used up; None when it is lucky."""
        for fault in self.queue:
            if fault.fits(method, path):
                fault.times -= 1
                self.met[fault.kind] = self.met.get(fault.kind, 0) + 1
                return fault
        if self._rate and self._random.random() < self._rate:
            sample = self._random.choice(self._samples)
            if sample.fits(method, path):
                self.met[sample.kind] += 1
                return sample
        return None
