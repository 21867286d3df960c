"""How the publishers stand, by what they told within the last hour. Kafka alone is asked."""

from __future__ import annotations

import logging

from stockfold.contracts.connections import ConnectionState, decode_connection
from stockfold.contracts.topics import CONNECTIONS
from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import topic_exists
from stockfold.runtime.kafka_errors import reading
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

READ_BACK_S = 3_600


def read_connections(settings: Settings) -> dict[str, list[ConnectionState]]:
    """What the publisher of each channel has told within the last hour, oldest first; nothing of
    those that were silent. UnavailableError when Kafka does not answer.
    """
    found: dict[str, list[ConnectionState]] = {}
    with reading(settings, CONNECTIONS):
        if not topic_exists(settings, CONNECTIONS):
            return found
        reader = PartitionReader(settings)
        began_us = SYSTEM_CLOCK.now_us() - READ_BACK_S * SECOND_US
        start = reader.first_at(CONNECTIONS, 0, began_us // 1_000)
        end = reader.settled_end(CONNECTIONS, 0)
        for batch in reader.read(CONNECTIONS, 0, start, end):
            for record in batch:
                try:
                    state = decode_connection(record.value())
                except ContractError as error:
                    log.warning("%s, offset %d: %s", CONNECTIONS.name, record.offset(), error)
                    continue
                found.setdefault(state.channel, []).append(state)
    return found
