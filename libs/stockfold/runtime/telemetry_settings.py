"""Where traces and metrics go: ``[telemetry]``. Off by default, and then at no cost."""

from __future__ import annotations

from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from stockfold.runtime.secret import SecretRef, is_loopback_url
from stockfold.runtime.settings_fields import HttpUrl, Section


class TelemetrySettings(Section):
    """The collector that takes OTLP over HTTP, and how much it is sent."""

    endpoint: HttpUrl | None = Field(
        default=None,
        description="Collector that takes OTLP over HTTP, such as http://127.0.0.1:4318; "
        "/v1/traces is added. None: no traces leave, and none are made.",
    )
    authorization: SecretRef | None = Field(
        default=None, description="Value of the Authorization header for it, by reference."
    )
    sample_ratio: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Share of what enters without a traceparent that is traced. What comes with "
        "one is traced when its sampled flag says so.",
    )
    queue_spans_max: PositiveInt = Field(
        default=4_096,
        description="Spans that wait for the collector; beyond that the oldest are dropped.",
    )
    export_every_s: PositiveFloat = Field(
        default=1.0, description="How often waiting spans are sent, in seconds."
    )
    request_timeout_s: PositiveFloat = Field(
        default=5.0, description="Time of one request to the collector, in seconds."
    )

    @model_validator(mode="after")
    def _secret_by_reference(self) -> Self:
        here = self.endpoint is None or is_loopback_url(self.endpoint)
        if self.authorization is not None and self.authorization.is_plain and not here:
            raise ValueError("authorization is plain text; a collector elsewhere needs a reference")
        return self
