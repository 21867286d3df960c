"""The api over tables that the projector's own code has filled, for tests that ask it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.projector.batch import Batch, Consumed
from stockfold_services.projector.store import Seen, Store
from tests.support import read_side as given


class Reader:
    """A client, and the tables behind it."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self.settings = settings
        self.client = client
        self._offsets: dict[str, int] = {}

    async def fill(self, *outputs: given.Out, partition: int = 0) -> None:
        """Project records, as if they had been read from Kafka."""
        async with Store.opened(self.settings) as store:
            places = {(topic.name, partition): 0 for topic, _, _ in outputs}
            starts = await store.offsets(places)
            batch = Batch(starts)
            nexts = dict(starts)
            for topic, key, value in outputs:
                place = (topic.name, partition)
                batch.add(Consumed(topic.name, partition, nexts[place], key, value, 0))
                nexts[place] += 1
            await store.write(batch)
            now = datetime.now(UTC)
            await store.report({place: Seen(0, now) for place in places})
            await store.beat(now, now)

    async def get(self, path: str, status: int = 200, **params: object) -> dict:
        answer = await self.client.get(path, params=params or None)
        assert answer.status_code == status, answer.text
        kind = "application/problem+json" if status >= 400 else "application/json"
        assert answer.headers["content-type"] == kind
        return answer.json()


@asynccontextmanager
async def opened_reader(postgres: str) -> AsyncIterator[Reader]:
    """The api over tables of its own."""
    settings = Settings(
        environment={"prefix": f"t{uuid.uuid4().hex[:8]}."}, postgres={"dsn": postgres}
    )
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield Reader(settings, client)
    await app.state.database.close()


def stock(sku: str, location: str, on_hand: int, seq: int) -> list[given.Out]:
    """A receipt and the position after it."""
    deltas = [("on_hand", location, on_hand), ("supplier", "", -on_hand)]
    return [given.fact(sku, seq, deltas), given.position(sku, location, seq, on_hand=on_hand)]
