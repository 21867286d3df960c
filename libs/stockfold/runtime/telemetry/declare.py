"""How a metric is declared: once, with its unit in its name, and with labels that are bounded.

Names follow Prometheus' conventions (prometheus.io/docs/practices/naming): ``stockfold_`` and the
service, base units, ``_total`` for what only grows. A label's values are few and known beforehand:
``LABELS`` says for each what bounds it. Never a SKU, an order, or anything that a stranger sends.
"""

from __future__ import annotations

import threading
from typing import Literal

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from stockfold.runtime.settings import Settings

Kind = Literal["counter", "gauge", "histogram"]

LABELS = {
    "action": "what became of a case: opened, closed, changed",
    "channel": "the channels of the settings",
    "environment": "environment.prefix of the process",
    "folded": "true for a finding about an event that was folded, false for a refused input",
    "group": "the consumer groups of stockfold, in this environment",
    "guard": "the guards of a channel: changes, upstream, zeros",
    "journal": "ledger or orders",
    "kind": "the kinds that the code names (of exceptions, cases, troubles)",
    "method": "the methods of HTTP that we serve; others are told as other",
    "objective": "the service level objectives of the settings",
    "outcome": "the outcomes that the code names",
    "purpose": "what a request to a shop is for: look_up, read, write",
    "route": "the route's own path with its parameters' names, never what was asked for",
    "service": "the services of stockfold",
    "source": "the sources that have a rhythm by the reference data",
    "state": "the states of a channel's control: running, paused, halted, zeroed, restored",
    "status": "the states of the order life cycle, or the status codes of HTTP",
    "topic": "the topics of stockfold",
    "version": "the release of the process",
}

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds of what a machine does by itself."""
PATIENT = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600)
"""Seconds of what waits for other systems."""

REGISTRY = CollectorRegistry()
"""Everything that one process tells. There is one, as there is one process."""


def are_told(settings: Settings) -> bool:
    """Whether anybody may see the metrics: what costs a question is not looked at otherwise."""
    return settings.metrics.port is not None or settings.telemetry.endpoint is not None


class Measure(msgspec.Struct, frozen=True):
    """A declared metric, as its documentation and the checks of dashboards read it."""

    name: str
    kind: Kind
    doc: str
    labels: tuple[str, ...]

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus has it."""
        if self.kind == "histogram":
            return tuple(self.name + end for end in ("_bucket", "_sum", "_count"))
        return (self.name,)


DECLARED: dict[str, Measure] = {}


def counter(name: str, doc: str, *labels: str) -> Counter:
    """What only grows since the process began."""
    assert name.endswith("_total"), name
    _note(name, "counter", doc, labels)
    return Counter(name, doc, labels, registry=REGISTRY)


class Told(Gauge):
    """A gauge without labels that is not there before it was set, as one with labels is not.

    Every process has every declaration; only the one that knows shall say anything.
    """

    _is_told = False
    _telling = threading.Lock()

    def set(self, value: float) -> None:
        """See ``Gauge.set``."""
        super().set(value)
        if not self._is_told:
            with self._telling:
                if not self._is_told:
                    REGISTRY.register(self)
                    self._is_told = True


def gauge(name: str, doc: str, *labels: str) -> Gauge:
    """What is so now."""
    _note(name, "gauge", doc, labels)
    return Gauge(name, doc, labels, registry=REGISTRY) if labels else Told(name, doc, registry=None)


def histogram(name: str, doc: str, *labels: str, buckets: tuple[float, ...] = QUICK) -> Histogram:
    """How long things take, in seconds."""
    assert name.endswith("_seconds"), name
    _note(name, "histogram", doc, labels)
    return Histogram(name, doc, labels, buckets=buckets, registry=REGISTRY)


def _note(name: str, kind: Kind, doc: str, labels: tuple[str, ...]) -> None:
    assert name.startswith("stockfold_"), name
    unbounded = [label for label in labels if label not in LABELS]
    assert not unbounded, f"{name}: nothing is said about what bounds {unbounded}"
    DECLARED[name] = Measure(name, kind, doc, labels)
