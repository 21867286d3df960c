"""``stockfold channel monitor``: what the canary of each connection proved."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stockfold.contracts.channel_proofs import ChannelProof, decode_proof
from stockfold.contracts.topics import CHANNEL_PROOFS
from stockfold.domain.times import DAY_US, format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.kafka_errors import kafka_errors
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

LATE_EXIT = 1


def monitor(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One channel alone.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What the canaries proved, and how they did in the last day. Exit code 1 when one is late."""
    settings = attach(load(config))
    rows = [
        summary(channel, proofs)
        for channel, proofs in sorted(_read(settings).items())
        if name in ("", channel)
    ]
    if as_json:
        print_json(rows)
    else:
        columns = ("channel", "canary", "stands", "up to", "took ms", "day p50", "day p99", "late")
        print_table(columns, [_shown(row) for row in rows])
        for row in rows:
            if row["detail"]:
                typer.echo(f"{row['channel']}: {row['detail']}")
    if any(row["outcome"] == "late" for row in rows):
        raise typer.Exit(LATE_EXIT)


def _read(settings: Settings) -> dict[str, list[ChannelProof]]:
    found: dict[str, list[ChannelProof]] = {}
    with kafka_errors(
        f"{CHANNEL_PROOFS.name} was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then run it again.",
    ):
        for batch in PartitionReader(settings).read(CHANNEL_PROOFS, 0):
            for record in batch:
                proof = decode_proof(record.value())
                found.setdefault(proof.channel, []).append(proof)
    return found


def summary(channel: str, proofs: list[ChannelProof]) -> dict[str, Any]:
    """Where a canary stands, and how it did since a day before its last record."""
    last = proofs[-1]
    day = [proof for proof in proofs if proof.recorded_at > last.recorded_at - DAY_US]
    took = sorted(ms for proof in day if (ms := proof.latency_ms) is not None)
    return {
        "channel": channel,
        "sku": last.sku,
        "outcome": last.outcome,
        "up_to": last.up_to,
        "since": format_us(last.since),
        "age_s": (SYSTEM_CLOCK.now_us() - last.recorded_at) // 1_000_000,
        "latency_ms": last.latency_ms,
        "sla_ms": last.sla_ms,
        "detail": last.detail,
        "day": {
            "proved": len(took),
            "late": len({proof.since for proof in day if proof.outcome == "late"}),
            "p50_ms": _quantile(took, 50),
            "p99_ms": _quantile(took, 99),
        },
    }


def _quantile(ordered: list[int], percent: int) -> int | None:
    """The smallest that at least so many percent do not exceed; None of none."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def _shown(row: dict[str, Any]) -> tuple[Any, ...]:
    day = row["day"]
    cells = (row["latency_ms"], day["p50_ms"], day["p99_ms"], day["late"])
    told = ["" if cell is None else cell for cell in cells]
    return (row["channel"], row["sku"], row["outcome"], row["up_to"], *told)
