"""The services that answer over HTTP: ``[api]``, ``[gateway]``, ``[checkout]``."""

from __future__ import annotations

from pydantic import (
    Field,
    PositiveFloat,
    PositiveInt,
)

from stockfold.runtime.settings_fields import HttpUrl, Port, Section


class ApiSettings(Section):
    """The HTTP interface."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Until an API key exists: only one of this machine.",
    )
    port: Port = Field(default=8080, description="Port to listen on.")


class GatewaySettings(Section):
    """The HTTP interface for producers without Kafka."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Until an API key exists: only one of this machine.",
    )
    port: Port = Field(default=8090, description="Port to listen on.")
    body_bytes_max: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="Bytes of one request with events. Files are streamed and have no such limit.",
    )
    webhook_bytes_max: int = Field(
        default=1024 * 1024, ge=1024, le=8 * 1024 * 1024, description="Bytes of one webhook."
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="Address at which shops reach the gateway, such as https://stock.example.",
    )


class CheckoutSettings(Section):
    """The HTTP interface for checkouts: reservations."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. Until an API key exists: only one of this machine.",
    )
    port: Port = Field(default=8100, description="Port to listen on.")
    connections_max: PositiveInt = Field(
        default=2_048, description="Connections at once; further ones are answered with 503."
    )
    body_bytes_max: int = Field(
        default=64 * 1024, ge=1024, le=1024 * 1024, description="Bytes of one request."
    )
    lines_max: int = Field(default=50, ge=1, le=500, description="Lines of one reservation.")
    locations_max: int = Field(
        default=100, ge=1, le=1000, description="Locations that one line may be served from."
    )
    quantity_max: int = Field(default=10_000, ge=1, le=10**12, description="Units of one line.")
    ttl_s: PositiveInt = Field(
        default=900, description="How long a reservation holds unless its request says, in seconds."
    )
    ttl_s_max: PositiveInt = Field(
        default=3_600, description="How long a request may ask it to hold, in seconds."
    )
    hold_s: PositiveInt = Field(
        default=45,
        description="How long a line holds until all lines of its basket are held, in seconds.",
    )
    decision_s_max: PositiveFloat = Field(
        default=30.0,
        description="After so long without the ledger's answer a basket of several lines is given "
        "up, in seconds.",
    )
    wait_ms: PositiveInt = Field(
        default=2_000, description="How long an answer waits for the ledger unless told, in ms."
    )
    wait_s_max: PositiveFloat = Field(
        default=25.0, description="How long a request may ask to wait, in seconds."
    )
    waiting_max: PositiveInt = Field(
        default=5_000, description="Reservations that may wait for the ledger at once."
    )
    reservations_max: PositiveInt = Field(
        default=200_000, description="Reservations remembered; the longest unheard of is forgotten."
    )
    history_s: PositiveInt = Field(
        default=7_200,
        description="How far back the ledger's answers are read at start, in seconds.",
    )
