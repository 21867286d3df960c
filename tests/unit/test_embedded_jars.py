"""Kafka's jars are fetched once, however many processes want them at the same moment."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from stockfold.runtime.embedded import jars


@pytest.mark.parametrize("home", ["cache", "unwritable"])
def test_those_who_come_at_once_wait_for_the_one_who_fetches(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unwritable").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / home))
    jar = tmp_path / "kafka.jar"
    fetching, most, fetched = 0, 0, 0

    def resolve(coordinates: str) -> list[Path]:
        nonlocal fetching, most, fetched
        fetching, fetched = fetching + 1, fetched + 1
        most = max(most, fetching)
        time.sleep(0.1)
        jar.write_text(coordinates)
        fetching -= 1
        return [jar]

    monkeypatch.setattr(jars, "_resolve", resolve)
    found: list[list[Path]] = []
    threads = [
        threading.Thread(target=lambda: found.append(jars.kafka_jars(tmp_path / "data", "a:b:1")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, fetched, found) == (1, 1, [[jar]] * 4)
