"""Commands to the ledger, each answered by what the ledger decides."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import msgspec

from stockfold.contracts import envelope
from stockfold.contracts.codec import encoder
from stockfold.contracts.topics import INPUT_OF
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.facts import Refused
from stockfold.ledger.validation import validate
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.problems import Problem
from stockfold_services.checkout.book import Book, Told
from stockfold_services.checkout.names import LineName, event_id, source_of

RESERVE = "stockfold.ReserveStock"
EXTEND = "stockfold.ExtendReservation"
RELEASE = "stockfold.ReleaseReservation"
_ENCODERS = {name: encoder(name) for name in (RESERVE, EXTEND, RELEASE)}


class Command(msgspec.Struct, frozen=True):
    """One command about one line; ``fingerprint`` is that of the request that it serves."""

    type: str
    channel: str
    name: LineName
    fingerprint: str
    body: dict[str, Any]


def checked(command: Command) -> Command:
    """The command, when the ledger would not call it nonsense. Problem 422."""
    try:
        validate(command.type.removeprefix("stockfold."), command.body)
    except Refused as error:
        raise Problem(
            422, "Reservation not valid", f"{error.reason}. {error.remedy} Nothing was reserved."
        ) from None
    return command


def extend(channel: str, name: LineName, sku: str, expires_us: int | None) -> Command:
    """Hold a line until then; None: for good."""
    body = {"sku": sku, "reservation": str(name), "expires_at": expires_us}
    return Command(EXTEND, channel, name, "", body)


def release(channel: str, name: LineName, sku: str) -> Command:
    """Give up what a line still holds."""
    body = {"sku": sku, "reservation": str(name), "quantity": None}
    return Command(RELEASE, channel, name, "", body)


class Commands:
    """Sends commands, and waits for the ledger's answers."""

    def __init__(self, producer: AcknowledgedProducer, prefix: str, book: Book) -> None:
        self._producer = producer
        self._prefix = prefix
        self._book = book

    async def ask(
        self, command: Command, deadline_s: float, acknowledged: asyncio.Event | None = None
    ) -> Told:
        """Send a command and wait for its answer until ``deadline_s`` of the event loop's clock.

        ``acknowledged`` is set when Kafka has it. UnavailableError when it does not take it within
        a second; TimeoutError when no answer came in time.
        """
        event = _event_of(command)
        answer = self._book.expect(event)
        try:
            await self._send(command, event)
            if acknowledged is not None:
                acknowledged.set()
            async with asyncio.timeout_at(deadline_s):
                return await answer
        finally:
            self._book.forget(event)

    async def tell(self, command: Command) -> bool:
        """Send a command whose answer nobody waits for; False when Kafka did not take it."""
        try:
            await self._send(command, _event_of(command))
        except UnavailableError:
            return False
        return True

    async def _send(self, command: Command, event: str) -> None:
        told = envelope.Envelope(
            event,
            source_of(command.channel),
            command.type,
            SYSTEM_CLOCK.now_us(),
            command.name.reservation,
        )
        sku: str = command.body["sku"]
        await self._producer.send(
            self._prefix + INPUT_OF[command.type].name,
            sku.encode(),
            _ENCODERS[command.type](command.body),
            envelope.build(told, sku),
        )


def _event_of(command: Command) -> str:
    verb = command.type.removeprefix("stockfold.")
    return event_id(command.name, verb, command.fingerprint, secrets.token_hex(6))
