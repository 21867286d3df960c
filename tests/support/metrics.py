"""What a process tells Prometheus, read as a test wants it."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from stockfold.runtime.telemetry.declare import REGISTRY

Key = tuple[str, frozenset[tuple[str, str]]]


def scraped(port: int) -> dict[Key, float]:
    """Every sample at a port, by its name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Since:
    """What was counted in this process since the object was made."""

    def __init__(self) -> None:
        self._before = _all()

    def grown(self, name: str, **labels: str) -> float:
        """By how much a sample has grown, without what adding and subtracting floats leave."""
        key = (name, frozenset(labels.items()))
        return round(_all().get(key, 0.0) - self._before.get(key, 0.0), 9)


def value(name: str, **labels: str) -> float | None:
    """A sample as it is; None when it is not told."""
    return REGISTRY.get_sample_value(name, labels)


def _all() -> dict[Key, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }
