"""What is to be loaded, checked before a row is read; and the reader of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.domain.times import SECOND_US, format_us, parse_us
from stockfold.orders.words import ledger_order
from stockfold.runtime.aliases import read_sku_names
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.loading.opening import Opening
from stockfold_services.cli.loading.orders import OpenOrders
from stockfold_services.orders.surroundings import Following

Say = Callable[[str], None]


class Kind(StrEnum):
    """What the rows are."""

    balances = "balances"
    snapshots = "snapshots"
    inbound = "inbound"
    in_transit = "in-transit"
    allocations = "allocations"
    orders = "orders"


class Job(msgspec.Struct, frozen=True):
    """What is to be loaded, and how it is read."""

    kind: str
    file: Path
    mapping: dict[str, str]
    source: str
    as_of_us: int
    encoding: str
    delimiter: str | None
    constants: dict[str, str] = {}
    zeros_max: int | None = None
    channel: str = ""


def reader_of(
    settings: Settings, job: Job, header: Sequence[str], say: Say, *, send: bool
) -> Opening | OpenOrders:
    """What reads the rows. ContractError for a header that will not do; UnavailableError.

    ``send`` is whether they will be sent; for a look alone the aliases are not needed.
    """
    if job.kind == Kind.orders:
        following = Following(settings)
        following.read_whole(PartitionReader(settings))
        return OpenOrders(
            job.channel,
            header,
            job.mapping,
            source=job.source,
            as_of_us=job.as_of_us,
            surroundings=following.surroundings,
        )
    return Opening(
        job.kind,
        header,
        job.mapping,
        source=job.source,
        as_of_us=job.as_of_us,
        told_us=SYSTEM_CLOCK.now_us(),
        constants={**job.constants, **({"channel": job.channel} if job.channel else {})},
        order_prefix=ledger_order(job.channel, "") if job.channel else "",
        file=job.file.name,
        resolve=_resolve(settings, say, needed=send),
    )


def _resolve(settings: Settings, say: Say, *, needed: bool) -> Callable[[str, str], str] | None:
    """The aliases of SKUs; a look at a file does without when there is no Kafka."""
    if settings.kafka.bootstrap is None:
        return None
    try:
        return read_sku_names(settings).resolve
    except UnavailableError as error:
        if needed:
            raise
        say(f"SKUs are taken as they are written, since aliases cannot be read: {error.what}")
        return None


def check_channel(settings: Settings, job: Job) -> None:
    """Orders of before the cut-off count only when they are in the file: its channel must know."""
    if job.kind not in (Kind.orders, Kind.allocations):
        if job.channel:
            raise SettingsError(
                f"{job.kind} are of no channel", where="--channel", remedy="Leave it out."
            )
        return
    if job.kind == Kind.allocations and not job.channel:
        return
    known = next((one for one in settings.channels if one.name == job.channel), None)
    if known is None:
        raise SettingsError(
            f"there is no channel {job.channel!r} in the settings",
            where="--channel",
            remedy="Name one of [[channels]].",
        )
    if job.kind == Kind.orders and known.orders_since_us != job.as_of_us:
        raise SettingsError(
            f"the cut-off of channel {known.name} is {known.orders_since or 'not set'}, not "
            f"{format_us(job.as_of_us)}",
            where="channels.orders_since, --as-of",
            remedy=f'Set orders_since = "{format_us(job.as_of_us)}" in its [[channels]] and start '
            "the services again; then load its orders.",
        )


def mapping_of(told: list[str]) -> dict[str, str]:
    """The field of each column, from column=field."""
    found: dict[str, str] = {}
    for pair in told:
        column, equals, field = pair.rpartition("=")
        if not equals or not column or not field:
            raise SettingsError(
                f"{pair!r} is no mapping", where="--mapping", remedy="Write column=field."
            )
        found[column.strip()] = field.strip()
    return found


def moment_of(as_of: str, settings: Settings) -> int:
    """The cut-off in UTC microseconds; refused where the ledger would refuse every row."""
    try:
        as_of_us = parse_us(as_of)
    except (ValueError, OverflowError) as error:
        raise SettingsError(
            f"{as_of!r} is no moment: {error}",
            where="--as-of",
            remedy="Write RFC 3339 with an offset, such as 2026-11-01T12:00:00Z.",
        ) from None
    now_us = SYSTEM_CLOCK.now_us()
    if as_of_us > now_us:
        raise SettingsError(
            f"{as_of} is in the future", where="--as-of", remedy="Say when the figures were true."
        )
    horizon_s = settings.ledger.movement_horizon_s
    if as_of_us < now_us - horizon_s * SECOND_US:
        raise SettingsError(
            f"{as_of} is more than {horizon_s // 86_400} days ago: the ledger would not know what "
            "has moved since",
            where="--as-of, ledger.movement_horizon_s",
            remedy="Export the balances of a later moment.",
        )
    return as_of_us
