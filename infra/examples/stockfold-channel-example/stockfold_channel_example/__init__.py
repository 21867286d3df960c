"""The Example marketplace, as a kind of channel."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from stockfold.channels.kinds import ChannelKind, Terms
from stockfold_channel_example.adapter import Example
from stockfold_channel_example.fake import ExampleMarket


class Options(BaseModel):
    """What ``[channels.options]`` may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    items_max: int = Field(default=50, ge=1, le=50, description="Items of one request.")


def _adapter(terms: Terms) -> Example:
    return Example(lambda: terms.credential("token"), terms.options.items_max)


KIND = ChannelKind(
    name="example",
    title="The Example marketplace",
    assurance=Example.assurance,
    adapter=_adapter,
    options=Options,
    credentials=("token",),
    subject=ExampleMarket,
)
