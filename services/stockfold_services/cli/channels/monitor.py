"""``stockfold channel monitor``: what the canary of each connection proved."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from stockfold.contracts.channel_proofs import ChannelProof, decode_proof, standing
from stockfold.contracts.topics import CHANNEL_PROOFS
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
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
        msgspec.to_builtins(standing(proofs, SYSTEM_CLOCK.now_us()))
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


def _shown(row: dict[str, Any]) -> tuple[Any, ...]:
    day = row["day"]
    cells = (row["latency_ms"], day["p50_ms"], day["p99_ms"], day["late"])
    told = ["" if cell is None else cell for cell in cells]
    return (row["channel"], row["sku"], row["outcome"], row["up_to"], *told)
