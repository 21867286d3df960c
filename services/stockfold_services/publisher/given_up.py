"""Listings that need a person, as exceptions: given up, or refused by the channel.

One exception a listing, however many versions are refused, until the channel shows one again.
What is unmapped is no exception: `stockfold channel check` lists it.
"""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.channels import OutcomeKind
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.topics import AVAILABILITY
from stockfold.runtime.telemetry import measures
from stockfold_services.publisher.wanted import Finished

KINDS = {OutcomeKind.GAVE_UP: "delivery_gave_up", OutcomeKind.REJECTED: "delivery_rejected"}
REMEDY = (
    "Mend the product in the shop (infra/docs/woocommerce.md explains the codes), then "
    "`stockfold exceptions resubmit` sends the newest version."
)


class GivenUp:
    """Which listings of a channel have been told, and the exceptions of the others."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._told: set[str] = set()

    def exceptions(self, finished: Iterable[Finished], now_us: int) -> list[tuple[int, str, bytes]]:
        """What is to be written, as (partition, SKU, value)."""
        found = []
        for one in finished:
            sku, kind = one.wanted.sku, KINDS.get(one.kind)
            if one.kind is OutcomeKind.APPLIED:
                self._told.discard(sku)
            elif kind is not None and sku not in self._told:
                self._told.add(sku)
                measures.EXCEPTIONS.labels("publisher", kind, "false").inc()
                found.append((one.wanted.partition, sku, self._encode(one, kind, now_us)))
        return found

    def _encode(self, one: Finished, kind: str, now_us: int) -> bytes:
        wanted = one.wanted
        listing = f"{self._channel}|{wanted.sku}"
        return encode_exception(
            kind,
            folded=False,
            reason=f"{self._channel} does not show version {wanted.version}, {one.quantity} units, "
            f"after {one.attempts} requests: {one.detail or 'no reason given'}",
            remedy=REMEDY,
            sku=wanted.sku,
            source=f"stockfold/publisher/{self._channel}",
            event_id=f"{listing}|{wanted.version}",
            event_type="stockfold.Availability",
            topic=AVAILABILITY.name,
            partition=wanted.partition,
            # One that was asked for again was read nowhere.
            offset=max(wanted.offset, 0),
            recorded_us=now_us,
            correlation_id=wanted.correlation_id,
            caused_us=wanted.caused_at_us,
            key=listing.encode(),
            about=f"{listing}|{wanted.version}|{one.finished_at_us}",
        )
