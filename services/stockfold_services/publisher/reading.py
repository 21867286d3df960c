"""Records of availability as what a channel shall show."""

from __future__ import annotations

import logging
from sys import intern

from aiokafka import ConsumerRecord

from stockfold.channels import Promise
from stockfold.contracts.avro_reader import BodyReader, body_reader
from stockfold.contracts.codec import HEADER_BYTES, decode
from stockfold.contracts.journal import wire_head
from stockfold.contracts.registry import default_registry
from stockfold.domain.errors import ContractError
from stockfold.runtime.wanted_listings import locations_of
from stockfold_services.publisher.wanted import Wanted

log = logging.getLogger(__name__)

AVAILABILITY = "stockfold.Availability"


def _fast_reader() -> tuple[bytes, BodyReader]:
    read = body_reader(default_registry().by_name(AVAILABILITY).parsed, tuples=True)
    assert read is not None, "the schema of availability has nothing unusual"
    return wire_head(AVAILABILITY), read


_HEAD, _read_fast = _fast_reader()


def wanted_of(record: ConsumerRecord) -> Wanted | None:
    """What a record asks for; None, and told, when it cannot be read.

    Only the availability service writes there, so that is a defect or an intruder: the SKU keeps
    what it shows, and the others go on.
    """
    value: bytes = record.value
    if value[:HEADER_BYTES] == _HEAD:
        try:
            fields, end = _read_fast(value, HEADER_BYTES)
            if end == len(value):
                return _of_fields(record, *fields)
        except Exception:  # noqa: BLE001, S110  (told in full by the careful path below)
            pass
    return _read_carefully(record)


def _of_fields(
    record: ConsumerRecord,
    _channel: str,
    sku: str,
    quantity: int,
    status: str,
    next_available: int | None,
    lead_time_days: int | None,
    locations: tuple[tuple[str, int], ...],
    version: int,
    _policy_revision: int,
    seq: int,
    _steps: object,
    recorded_at: int,
    correlation_id: str,
    caused_at: int,
) -> Wanted:
    """Of the fields of an ``Availability``, in the order of the schema."""
    return Wanted(
        sku,
        quantity,
        version,
        record.partition,
        record.offset,
        correlation_id,
        caused_at,
        Promise(intern(status), next_available, lead_time_days),
        recorded_at,
        seq,
        locations=tuple(locations),
    )


def _read_carefully(record: ConsumerRecord) -> Wanted | None:
    try:
        schema, body = decode(record.value)
    except ContractError as error:
        log.error(  # noqa: TRY400 - the error says all, the traceback nothing
            "availability cannot be read and is passed over: %s",
            error,
            extra={
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "kind": error.kind,
            },
        )
        return None
    if schema.name != AVAILABILITY:
        log.error("%s has no place in %s", schema.name, record.topic)
        return None
    return Wanted(
        body["sku"],
        body["quantity"],
        body["version"],
        record.partition,
        record.offset,
        body["correlation_id"],
        body["caused_at"],
        Promise(body["status"], body["next_available"], body["lead_time_days"]),
        body["recorded_at"],
        body["seq"],
        locations=locations_of(body["locations"]),
    )
