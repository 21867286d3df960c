"""The producer's client: typed events, checked before they are sent, sent as the ledger needs them.

``Client`` for programs without asyncio, ``AsyncClient`` for those with it; the event types are in
``stockfold.client.events``.
"""

from __future__ import annotations

from stockfold.client.aio import AsyncClient
from stockfold.client.event import Event
from stockfold.client.prepare import Prepared
from stockfold.client.sync import Client

__all__ = ["AsyncClient", "Client", "Event", "Prepared"]
