"""The kind ``http``."""

from __future__ import annotations

from stockfold.channels.http.adapter import HttpChannel
from stockfold.channels.http.fake import HttpReceiver
from stockfold.channels.http.options import ITEMS_MAX, HttpOptions
from stockfold.channels.kinds import ChannelKind, Terms
from stockfold.channels.port import Assurance

SECRET = "secret"  # noqa: S105 - the name of a credential


def adapter(terms: Terms) -> HttpChannel:
    """The adapter of one connection. SettingsError when the secret is none."""
    return HttpChannel(
        terms.channel, terms.url, lambda: terms.credential(SECRET), terms.options, terms.locations
    )


KIND = ChannelKind(
    name="http",
    title="Any receiver of signed JSON (Standard Webhooks)",
    assurance=Assurance.CONTRACT,
    adapter=adapter,
    options=HttpOptions,
    credentials=(SECRET,),
    subject=HttpReceiver,
    per_location=True,
    items_max=ITEMS_MAX,
)
