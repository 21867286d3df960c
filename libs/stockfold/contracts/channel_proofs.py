"""Proofs of canaries as records of ``stockfold.channel-proofs.v1``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stockfold.contracts.codec import decode, encode
from stockfold.domain.times import DAY_US, SECOND_US, format_us


class ChannelProof(msgspec.Struct, frozen=True, kw_only=True):
    """One record; times are UTC microseconds."""

    channel: str
    sku: str
    outcome: str
    up_to: str
    counted: int
    since: int
    told: int
    shown: int | None = None
    sla_ms: int = 0
    detail: str = ""
    recorded_at: int = 0

    @property
    def latency_ms(self) -> int | None:
        """From the count to the shop; None when it did not get there."""
        return None if self.shown is None else (self.shown - self.since) // 1_000


def encode_proof(proof: ChannelProof) -> bytes:
    """The record's bytes."""
    return encode("stockfold.ChannelProof", msgspec.structs.asdict(proof))


def decode_proof(value: bytes | None) -> ChannelProof:
    """The proof of a record; ContractError for anything else."""
    return msgspec.convert(decode(value)[1], ChannelProof)


class Day(msgspec.Struct, frozen=True):
    """The day before a canary's last record; times are from the count to the shop."""

    proved: int
    late: int
    p50_ms: int | None
    p99_ms: int | None


class Standing(msgspec.Struct, frozen=True):
    """Where the canary of a channel stands. ``age_s`` is how old its last record is."""

    channel: str
    sku: str
    outcome: str
    up_to: str
    since: str
    age_s: int
    latency_ms: int | None
    sla_ms: int
    detail: str
    day: Day


def standing(proofs: Sequence[ChannelProof], now_us: int) -> Standing:
    """Where a canary stands, by its records, oldest first; there is one at least."""
    last = proofs[-1]
    day = [proof for proof in proofs if proof.recorded_at > last.recorded_at - DAY_US]
    took = sorted(ms for proof in day if (ms := proof.latency_ms) is not None)
    late = {proof.since for proof in day if proof.outcome == "late"}
    return Standing(
        last.channel,
        last.sku,
        last.outcome,
        last.up_to,
        format_us(last.since),
        max(now_us - last.recorded_at, 0) // SECOND_US,
        last.latency_ms,
        last.sla_ms,
        last.detail,
        Day(len(took), len(late), _quantile(took, 50), _quantile(took, 99)),
    )


def _quantile(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest that at least so many percent do not exceed; None of none."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None
