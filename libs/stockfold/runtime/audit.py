"""The audit: what people change by commands, written to its own topic before the change is made.

A change is two records of one id: ``begun``, acknowledged by every replica before anything is
changed, and how it ended. One without an end was cut off. A dry run changes nothing, so it leaves
no record either.
"""

from __future__ import annotations

import getpass
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
import orjson

from stockfold.contracts.codec import decode, encoder
from stockfold.contracts.topics import AUDIT
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.kafka import ensure_topic, topic_exists
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

Outcome = Literal["begun", "done", "failed"]
Details = Mapping[str, Any]
_encode = encoder("stockfold.AuditRecord")


class Entry(msgspec.Struct, frozen=True):
    """One change that was asked for. ``written`` is false for a dry run."""

    audit: str
    command: str
    subject: str
    by: str
    written: bool


class Change(msgspec.Struct):
    """A change as the audit tells it; times are UTC microseconds."""

    audit: str
    command: str
    subject: str
    by: str
    at_us: int
    details: Any
    outcome: Outcome = "begun"
    ended_us: int = 0
    result: Any = None


def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def record(
    settings: Settings,
    *,
    command: str,
    subject: str,
    details: Details,
    dry_run: bool = False,
    who: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Entry:
    """Write down a change before it is made; returns once every replica has it.

    ``details`` is everything that it was asked for with, as JSON can hold it. UnavailableError
    when it was not acknowledged: then nothing may be changed.
    """
    entry = Entry(uuid.uuid4().hex, command, subject, who or user(), not dry_run)
    if entry.written:
        ensure_topic(settings, AUDIT)
        _write(settings, entry, "begun", details, clock)
    return entry


def conclude(
    settings: Settings,
    entry: Entry,
    outcome: Outcome,
    result: Details,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Write down how a change ended; UnavailableError when it was not acknowledged."""
    if entry.written:
        _write(settings, entry, outcome, result, clock)


@contextmanager
def audited(
    settings: Settings,
    *,
    command: str,
    subject: str,
    details: Details,
    dry_run: bool = False,
    who: str | None = None,
) -> Iterator[dict[str, Any]]:
    """``record`` before the body, how it ended after it.

    Gives a mapping for what the change did. An end that cannot be written is only logged: the
    change is made by then, or its own error matters more.
    """
    entry = record(
        settings, command=command, subject=subject, details=details, dry_run=dry_run, who=who
    )
    result: dict[str, Any] = {}
    outcome: Outcome = "failed"
    try:
        yield result
        outcome = "done"
    except BaseException as error:
        result["error"] = str(error) or type(error).__name__
        raise
    finally:
        try:
            conclude(settings, entry, outcome, result)
        except UnavailableError as error:
            log.warning("the end of %s was not written down: %s", command, error)


def changes(settings: Settings) -> list[Change]:
    """Every change, the newest first. UnavailableError when the broker does not answer."""
    if not topic_exists(settings, AUDIT):
        return []
    found: dict[str, Change] = {}
    for batch in PartitionReader(settings).read(AUDIT, 0):
        for message in batch:
            take(found, decode(message.value())[1])
    return sorted(found.values(), key=lambda change: change.at_us, reverse=True)


def take(found: dict[str, Change], told: Mapping[str, Any]) -> None:
    """Take a record of the audit into the changes by their ids."""
    name, details = told["audit"], orjson.loads(told["details"])
    if told["outcome"] == "begun" or name not in found:
        found[name] = Change(
            name, told["command"], told["subject"], told["by"], told["at"], details
        )
    if told["outcome"] != "begun":
        change = found[name]
        change.outcome, change.ended_us, change.result = told["outcome"], told["at"], details


def _write(
    settings: Settings, entry: Entry, outcome: Outcome, details: Details, clock: Clock
) -> None:
    value = _encode(
        {
            "audit": entry.audit,
            "outcome": outcome,
            "command": entry.command,
            "subject": entry.subject,
            "by": entry.by,
            "at": clock.now_us(),
            "details": orjson.dumps(details, default=str).decode(),
        }
    )
    send_one(
        settings,
        AUDIT,
        entry.audit,
        value,
        what=f"the audit record of {entry.command}",
        remedy="Nothing is changed without one. Check the broker, then run the command again.",
    )
