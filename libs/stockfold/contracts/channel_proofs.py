"""Proofs of canaries as records of ``stockfold.channel-proofs.v1``."""

from __future__ import annotations

import msgspec

from stockfold.contracts.codec import decode, encode


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
