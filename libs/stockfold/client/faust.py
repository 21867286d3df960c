"""Our contracts for teams that use Faust: an Avro codec, and reading only what was committed.

Needs the extra ``monitor`` (faust-streaming). See infra/docs/faust.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from faust import App
from faust.exceptions import ValueDecodeError
from faust.serializers.codecs import Codec
from faust.transport.drivers import aiokafka

from stockfold.contracts.codec import decode, encode
from stockfold.domain.errors import ContractError


class Told(NamedTuple):
    """A record with the name of its type, such as ``stockfold.Delivery``.

    It is under the newest schema of that name, whichever released version wrote it. Times are UTC
    microseconds, days are days since 1970.
    """

    name: str
    body: dict[str, Any]


class Avro(Codec):  # type: ignore[misc]  # faust-streaming is no part of the default
    """Reads any record of ours as ``Told``, and writes records of the type ``name``.

    Give it as ``value_serializer`` of a topic; one that is only read needs no name. Bytes that are
    none of ours raise ValueDecodeError, which Faust logs and passes over. A value of None (the end
    of a key in a compacted topic) stays None where the topic says ``allow_empty=True``.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._name = name

    def clone(self, *children: Any) -> Avro:
        """The same again: it is not combined with others."""
        del children
        return Avro(self._name)

    def _loads(self, s: bytes) -> Told:
        try:
            schema, body = decode(s)
        except ContractError as error:
            raise ValueDecodeError(str(error)) from error
        return Told(schema.name, body)

    def _dumps(self, obj: Mapping[str, Any]) -> bytes:
        return encode(self._name, obj)


class _Thread(aiokafka.AIOKafkaConsumerThread):  # type: ignore[misc]  # see above
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001  (Faust passes no option on)
        return consumer


class _Consumer(aiokafka.Consumer):  # type: ignore[misc]  # see above
    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Commit before a rebalance.

        Faust forgets what was acknowledged since its last commit, seconds ago, and then reads it
        once more: every table would count it twice.
        """
        await self.commit()
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """Read nothing while it is sought where to begin.

        Faust lets the partitions flow before that, and what it reads in between it reads once more,
        or passes over when it comes again. Whoever seeks lets it flow afterwards.
        """
        self.stop_flow()
        await super().perform_seek()


class _Transport(aiokafka.Transport):  # type: ignore[misc]  # see above
    Consumer = _Consumer


def read_committed(app: App) -> None:
    """Have an app read only what was committed; call it before the app is started.

    Ledger, orders and availability write in transactions, and Faust reads aborted ones as well
    unless it writes in transactions itself. The app also commits before each rebalance.
    """
    app.transport = _Transport(app.conf.broker_consumer, app, loop=app.loop)
