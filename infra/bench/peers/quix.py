"""The fold on Quix Streams, exactly once: started with BOOTSTRAP PREFIX FOLDER."""

from __future__ import annotations

import sys
from typing import Any

from infra.bench.peers.fold import JOURNAL, POSITIONS, Out, fold
from quixstreams import Application, State, message_context
from quixstreams.models import SerializationContext, Serializer

CLIENTS = {"queue.buffering.max.messages": 1_000_000, "linger.ms": 50, "compression.type": "lz4"}


class _Value(Serializer):
    def __call__(self, value: Any, ctx: SerializationContext) -> bytes:
        del ctx
        record: bytes = value.value
        return record


def main(bootstrap: str, prefix: str, folder: str) -> None:
    """Run until ended."""
    app = Application(
        broker_address=bootstrap,
        consumer_group=f"{prefix}quix",
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=1.0,
        commit_every=25_000,
        state_dir=folder,
        producer_extra_config={**CLIENTS, "batch.size": 1024 * 1024},
        consumer_extra_config={"fetch.max.bytes": 64 * 1024 * 1024},
        loglevel="WARNING",
    )
    topics = {
        name: app.topic(f"{prefix}quix.{name}", value_serializer=_Value(), key_serializer="bytes")
        for name in (JOURNAL, POSITIONS)
    }
    inputs = app.topic(f"{prefix}inputs", value_deserializer="bytes", key_deserializer="bytes")

    def folded(value: bytes, key: bytes, _at: int, headers: Any, state: State) -> list[Out]:
        return fold(key, value, headers, message_context().offset, state)

    frame = app.dataframe(inputs).apply(folded, stateful=True, metadata=True, expand=True)
    frame.to_topic(lambda out, *_: topics[out.topic], key=lambda out: out.key)
    app.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
