"""Transactions of two producers in turns, some of them aborted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings


def write_in_turns(
    settings: Settings, count: int, write: Callable[[Producer, int], None], **options: Any
) -> None:
    """``write`` fills the transaction of a number; every third one is aborted, once it is sent.

    The producers compress by lz4 and by zstd; ``options`` are further ones of librdkafka.
    """
    producers = [
        Producer(
            {
                **confluent_config(settings),
                "transactional.id": f"{settings.prefix}writer-{number}",
                "compression.type": ("lz4", "zstd")[number],
                **options,
            }
        )
        for number in range(2)
    ]
    for producer in producers:
        producer.init_transactions(30)
    for number in range(count):
        producer = producers[number % 2]
        producer.begin_transaction()
        write(producer, number)
        if number % 3 == 1:
            producer.flush(30)
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
