"""API keys: who may send and ask what over HTTP, kept as hashes in a compacted topic.

A key is ``sfk_ID_SECRET``. The secret has 256 random bits, so a salted SHA-256 keeps it: nobody can
search that space, and a slow hash would only let a stranger keep us busy. The topic is read whole
into memory: checking a key asks nobody, and a withdrawn one is refused within a second everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from stockfold.contracts.codec import decode, encoder
from stockfold.contracts.topics import API_KEYS
from stockfold.domain.errors import ContractError
from stockfold.ledger.authority import location_of
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.roles import Role, highest
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

MARK = "sfk"
SECRET_BYTES = 32
TOKEN_CHARACTERS_MAX = 200
SEND, READ, RESERVE = "send", "read", "reserve"
SUPPORT, ENGINEER = "support", "engineer"
RIGHTS = (SEND, READ, RESERVE, SUPPORT, ENGINEER)
"""The last two are roles in the api, and ask for the right to read beside them."""
_encode = encoder("stockfold.ApiKey")


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What the holder of a key may send and ask; times are UTC microseconds, None means all."""

    key: str
    name: str
    salt: str
    hash: str
    sources: tuple[str, ...] | None = None
    locations: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    events_per_s: int
    body_bytes_max: int
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    may: tuple[str, ...] = (SEND,)
    channels: tuple[str, ...] | None = None

    @property
    def role(self) -> Role:
        """Its holder's role in the api; to ask anything there it needs the right to read too."""
        return highest(self.may) or "viewer"

    def refusal(self, now_us: int) -> str:
        """Why it does not hold now; empty when it does."""
        if self.revoked_at is not None:
            return "The key was withdrawn."
        return "The key has expired." if now_us >= self.expires_at else ""

    def beyond(self, source: str, event_type: str, body: Mapping[str, Any]) -> str:
        """What of an event it does not allow; empty when it allows it."""
        if self.sources is not None and source not in self.sources:
            return f"source {source}"
        if self.types is not None and event_type not in self.types:
            return f"type {event_type}"
        channel = body.get("channel")
        if self.channels is not None and channel not in self.channels:
            if channel is not None:
                return f"channel {channel}"
            if self.types is None:
                return f"type {event_type}, which names no channel,"
        if self.locations is None:
            return ""
        named = list(_locations(event_type.removeprefix("stockfold."), body))
        if not named and self.types is None:
            # About no location: only what is allowed by name.
            return f"type {event_type}, which names no location,"
        outside = [name for name in named if name not in self.locations]
        return f"location {outside[0]}" if outside else ""


def _locations(event_type: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Every location that an event names."""
    about = location_of(event_type, body)
    if about is not None:
        yield about
    if event_type == "TransferDispatched":
        yield body["to"]
    elif event_type == "ReserveStock":
        yield from body["locations"]
    elif event_type == "OrderChanged":
        yield from (sent["location"] for sent in body["fulfilments"] if sent["location"])


def encode_key(key: ApiKey) -> bytes:
    """The record of a key."""
    told: dict[str, Any] = msgspec.to_builtins(key)
    # To Avro a tuple would be a branch of a union and its value.
    lists = {name: list(value) for name, value in told.items() if isinstance(value, tuple)}
    return _encode({**told, **lists})


def issue(**terms: Any) -> tuple[ApiKey, str]:
    """A new key with these terms, and the token for its holder, which is kept nowhere."""
    secret, salt = secrets.token_urlsafe(SECRET_BYTES), secrets.token_hex(16)
    key = ApiKey(key=secrets.token_hex(6), salt=salt, hash=_hash(salt, secret), **terms)
    return key, f"{MARK}_{key.key}_{secret}"


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}{secret}".encode("utf-8", "replace")).hexdigest()


class KeyBook:
    """Every key there is, withdrawn ones included."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def all(self) -> list[ApiKey]:
        """The keys, oldest first."""
        return sorted(self._keys.values(), key=lambda key: key.created_at)

    def get(self, key: str) -> ApiKey | None:
        """The key of this id."""
        return self._keys.get(key)

    def apply(self, record: Record) -> None:
        """Take a record of the topic. One that cannot be read leaves the one before in force."""
        value = record.value()
        if value is None:
            self._keys.pop((record.key() or b"").decode("utf-8", "replace"), None)
            return
        try:
            key = msgspec.convert(decode(value)[1], ApiKey)
        except (ContractError, msgspec.ValidationError) as error:
            log.error(  # noqa: TRY400  (the sentence says it all; there is no defect to trace)
                "%s, offset %d: %s", API_KEYS.name, record.offset(), error
            )
            return
        self._keys[key.key] = key

    def holder(self, token: str) -> ApiKey | None:
        """The key of a token, whether it holds or not; None when there is none such.

        Takes as long for an unknown id as for a wrong secret.
        """
        mark, _, rest = token[:TOKEN_CHARACTERS_MAX].partition("_")
        name, _, secret = rest.partition("_")
        key = self._keys.get(name)
        told = _hash(key.salt if key else "", secret)
        same = hmac.compare_digest(told, key.hash if key else _NOBODY)
        return key if key is not None and same and mark == MARK else None


_NOBODY = "0" * 64


def read_keys(settings: Settings) -> KeyBook:
    """The keys as they are now; UnavailableError when Kafka does not answer."""
    ensure_topic(settings, API_KEYS)
    book = KeyBook()
    for batch in PartitionReader(settings).read(API_KEYS, 0):
        for record in batch:
            book.apply(record)
    return book


def publish_key(settings: Settings, key: ApiKey) -> None:
    """Put a key into force as it is; UnavailableError when it was not acknowledged."""
    send_one(
        settings,
        API_KEYS,
        key.key,
        encode_key(key),
        what="the key",
        remedy="Check the broker, then run the command again.",
    )
