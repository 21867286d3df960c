"""What is special to one receiver: ``[channels.options]`` of the kind ``http``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ITEMS_MAX = 1_000
_HEADER = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$"
_TAKEN = frozenset(
    {"accept", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)


class HttpOptions(BaseModel):
    """See ``infra/docs/channel-http.md``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        default="/stockfold",
        pattern=r"^/[^?#\s\\]*$",
        description="Path below the channel's url that every message goes to.",
    )
    method: Literal["POST", "PUT"] = Field(
        default="POST", description="HTTP method of every message."
    )
    reads: bool = Field(
        default=True, description="Ask what it shows before a SKU is written for the first time."
    )
    items_max: int = Field(
        default=100, ge=1, le=ITEMS_MAX, description="The most items that one message has."
    )
    in_flight_max: int = Field(
        default=2, ge=1, le=16, description="The most messages that are under way at a time."
    )
    requests_per_s: float = Field(
        default=0.0, ge=0.0, le=1_000.0, description="Messages a second, at most; 0 for no limit."
    )
    id_header: str = Field(
        default="webhook-id", pattern=_HEADER, description="Header of the message's id."
    )
    timestamp_header: str = Field(
        default="webhook-timestamp", pattern=_HEADER, description="Header of the time of sending."
    )
    signature_header: str = Field(
        default="webhook-signature", pattern=_HEADER, description="Header of the signatures."
    )

    @model_validator(mode="after")
    def _headers_differ(self) -> Self:
        names = [self.id_header, self.timestamp_header, self.signature_header]
        lower = {name.lower() for name in names}
        if len(lower) < len(names) or lower & _TAKEN:
            raise ValueError("the three headers must differ, and be none that HTTP itself uses")
        return self
