"""The reader of partitions, where the broker falls silent."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import UnavailableError
from stockfold.runtime import partition_reader
from stockfold.runtime.clients import CONFLUENT
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings


class Silent:
    """An admin client whose broker never answers."""

    def list_offsets(self, wanted: dict, **_: object) -> dict:
        return {place: Future() for place in wanted}


class ToSilent(type(CONFLUENT)):
    """Kafka's clients, but for the admin."""

    def admin(self, config: dict) -> Silent:
        return Silent()


def test_a_broker_that_does_not_answer_is_unavailable_and_no_defect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partition_reader, "SILENCE_S", 0.01)
    settings = Settings(kafka={"bootstrap": "127.0.0.1:1"})
    reader = PartitionReader(settings, clients=ToSilent())
    with pytest.raises(UnavailableError, match="has not told"):
        reader.stable_end(JOURNAL, 0)
