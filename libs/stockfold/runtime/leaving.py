"""How an aiokafka consumer is closed, whatever its broker does."""

from __future__ import annotations

import asyncio
import logging

from aiokafka import AIOKafkaConsumer

log = logging.getLogger(__name__)

STOP_S_MAX = 5.0


async def leave(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close. A broker that does not answer is waited for ``STOP_S_MAX``.

    Why it could not be closed in good order is logged only: nobody can do anything about it, and
    the group notices a member that is gone. CancelledError when the caller is cancelled, and only
    then: aiokafka's own, which a fetch that rests after an error lets out of ``stop``, ends here.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    try:
        await asyncio.wait({stopping}, timeout=STOP_S_MAX)
    finally:
        stopping.cancel()
    await asyncio.wait({stopping}, timeout=STOP_S_MAX)
    if not stopping.done() or stopping.cancelled():
        why: object = "cancelled"
    else:
        why = stopping.exception()
    if why is not None:
        log.info("a consumer was not closed in good order: %s", why)
        # What ``stop`` would have done last; without it the client asks for metadata for ever.
        await consumer._client.close()  # noqa: SLF001 - there is no other way to it
