"""The fold on faust-streaming: started with BOOTSTRAP PREFIX FOLDER GUARANTEE."""

from __future__ import annotations

import sys
from typing import Any

import faust
from infra.bench.peers.fold import JOURNAL, POSITIONS, fold

PARTITIONS = 8


class _Store:
    """The table's entries of one SKU."""

    def __init__(self, table: Any, sku: str) -> None:
        self._table = table
        self._sku = sku

    def get(self, name: str) -> Any:
        """See ``fold.Store.get``."""
        return self._table.get(f"{self._sku}|{name}")

    def set(self, name: str, value: Any) -> None:
        """See ``fold.Store.set``."""
        self._table[f"{self._sku}|{name}"] = value


def made(bootstrap: str, prefix: str, folder: str, guarantee: str) -> faust.App:
    """The application; ``guarantee`` is "exactly_once" or "at_least_once"."""
    app = faust.App(
        f"{prefix}faust",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=folder,
        processing_guarantee=guarantee,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_buffer_maxsize=32_768,
        producer_linger_ms=50,
        producer_compression_type="lz4",
        broker_commit_every=25_000,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
    )
    raw = {"key_serializer": "raw", "value_serializer": "raw"}
    inputs = app.topic(f"{prefix}inputs", partitions=PARTITIONS, **raw)
    outs = {
        name: app.topic(f"{prefix}faust.{name}", partitions=PARTITIONS, **raw)
        for name in (JOURNAL, POSITIONS)
    }
    table = app.Table("kept", partitions=PARTITIONS)

    @app.agent(inputs)
    async def folded(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            headers = message.headers
            pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
            store = _Store(table, message.key.decode())
            for out in fold(message.key, message.value, pairs, message.offset, store):
                await outs[out.topic].send(key=out.key, value=out.value)

    return app


if __name__ == "__main__":
    bootstrap, prefix, folder, guarantee = sys.argv[1:5]
    app = made(bootstrap, prefix, folder, guarantee)
    sys.argv[1:] = ["worker", "-l", "error", "--without-web"]
    app.main()
