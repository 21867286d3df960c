"""Who writes each topic and who reads it: what the topology is drawn from.

Services go by the names of their programs (``stockfold-ledger``), everybody else by what they are.
"""

from __future__ import annotations

from typing import NamedTuple

from stockfold.contracts import topics
from stockfold.contracts.topics import Topic

OUTSIDE = ("ERP and WMS", "shops", "people")
"""Whoever is not ours, as they are named in flows."""

SERVICES: tuple[tuple[str, str], ...] = (
    ("gateway", "Takes events and webhooks over HTTP, and writes them to the inputs."),
    ("sweeper", "Reads the shops' changed orders, proves that they follow, tells them of parcels."),
    ("erp", "Hands what an ERP exports on to the inputs."),
    ("checkout", "Reserves over HTTP, and answers with the ledger's decision."),
    ("orders", "Decides what each order asks of the ledger."),
    ("ledger", "Decides every input; the only writer of the journal."),
    ("snapshotter", "Keeps snapshots, so that recovery is short."),
    ("availability", "Computes what each channel may promise."),
    ("publisher", "Writes to the shops what they may sell."),
    ("projector", "Fills the tables that questions are answered from."),
    ("monitor", "Counts which promises were kept, and what is sold out; optional."),
    ("api", "Answers questions, and serves this console."),
    ("commands", "The command line and the console's own actions."),
)
"""Every service with what it does, in the order in which stock flows through them."""


class Flow(NamedTuple):
    """A topic with its writers and readers. ``group`` is what it is about."""

    topic: Topic
    group: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]


EXACTLY_ONCE = ("ledger", "availability", "orders")
"""The services that write in transactions alone."""

_TOLD = ("ERP and WMS", "gateway", "commands")
_INPUTS, _ORDERS, _DECIDED, _PROMISED, _SHOPS, _STEERED = (
    "What is told",
    "Orders",
    "What is decided",
    "What may be promised",
    "What shops are told",
    "What steers and records",
)

FLOWS: tuple[Flow, ...] = (
    Flow(topics.RECEIPTS, _INPUTS, _TOLD, ("ledger",)),
    Flow(topics.TRANSFERS, _INPUTS, _TOLD, ("ledger",)),
    Flow(topics.RETURNS, _INPUTS, _TOLD, ("ledger",)),
    Flow(topics.ADJUSTMENTS, _INPUTS, _TOLD, ("ledger",)),
    Flow(
        topics.RESERVATIONS,
        _INPUTS,
        (*_TOLD, "checkout", "orders", "availability"),
        ("checkout", "ledger"),
    ),
    Flow(topics.ALLOCATIONS, _INPUTS, (*_TOLD, "orders"), ("ledger",)),
    Flow(
        topics.CATALOG,
        _INPUTS,
        _TOLD,
        ("orders", "ledger", "availability", "projector", "api", "commands"),
    ),
    Flow(
        topics.REFERENCE,
        _INPUTS,
        _TOLD,
        ("gateway", "orders", "ledger", "availability", "projector", "api", "commands"),
    ),
    Flow(topics.ORDERS, _ORDERS, ("gateway", "sweeper", "commands"), ("orders",)),
    Flow(topics.SHIPMENTS, _ORDERS, _TOLD, ("sweeper", "projector")),
    Flow(topics.ORDER_ANSWERS, _ORDERS, ("orders",), ("orders",)),
    Flow(topics.ORDER_JOURNAL, _ORDERS, ("orders",), ("orders", "snapshotter")),
    Flow(
        topics.ORDER_STATUS,
        _ORDERS,
        ("orders",),
        ("sweeper", "erp", "publisher", "projector", "commands", "monitor"),
    ),
    Flow(topics.ORDER_CASES, _ORDERS, ("orders",), ("sweeper", "projector", "commands")),
    Flow(topics.ORDER_SWEEPS, _ORDERS, ("gateway", "sweeper"), ("sweeper",)),
    Flow(
        topics.JOURNAL,
        _DECIDED,
        ("ledger",),
        ("ledger", "snapshotter", "projector", "commands"),
    ),
    Flow(
        topics.POSITIONS,
        _DECIDED,
        ("ledger",),
        ("availability", "publisher", "projector", "commands"),
    ),
    Flow(
        topics.RESERVATION_STATUS,
        _DECIDED,
        ("ledger",),
        ("checkout", "orders", "publisher", "commands"),
    ),
    Flow(
        topics.EXCEPTIONS,
        _DECIDED,
        ("sweeper", "erp", "orders", "ledger", "availability", "publisher"),
        ("checkout", "projector", "api", "commands"),
    ),
    Flow(topics.EXCEPTION_RESOLUTIONS, _DECIDED, ("commands",), ("api", "commands")),
    Flow(
        topics.POLICIES,
        _PROMISED,
        ("people", "commands"),
        ("orders", "availability", "api", "commands"),
    ),
    Flow(topics.SCHEDULE, _PROMISED, ("ledger", "availability"), ("availability", "commands")),
    Flow(topics.KIT_COMPONENTS, _PROMISED, ("availability",), ("availability", "commands")),
    Flow(
        topics.COMPONENT_AVAILABILITY,
        _PROMISED,
        ("availability",),
        ("availability", "publisher", "commands"),
    ),
    Flow(topics.REEVALUATION, _PROMISED, ("availability",), ("projector",)),
    Flow(
        topics.AVAILABILITY,
        _PROMISED,
        ("availability",),
        ("publisher", "projector", "commands", "monitor"),
    ),
    Flow(
        topics.DELIVERIES, _SHOPS, ("publisher",), ("sweeper", "projector", "commands", "monitor")
    ),
    Flow(topics.LISTINGS, _SHOPS, ("publisher",), ("projector", "commands")),
    Flow(topics.RESENDS, _SHOPS, ("publisher", "commands"), ("publisher",)),
    Flow(topics.RECONCILIATIONS, _SHOPS, ("publisher", "commands"), ("publisher", "commands")),
    Flow(
        topics.CHANNEL_CHECKS,
        _SHOPS,
        ("publisher", "sweeper", "commands"),
        ("api",),
    ),
    Flow(
        topics.CHANNEL_CONTROL,
        _SHOPS,
        ("publisher", "commands"),
        ("sweeper", "publisher", "api", "commands"),
    ),
    Flow(topics.CHANNEL_BASELINES, _SHOPS, ("publisher",), ("publisher", "commands")),
    Flow(
        topics.CHANNEL_COVERAGE,
        _SHOPS,
        ("publisher", "commands"),
        ("sweeper", "publisher", "commands"),
    ),
    Flow(topics.CHANNEL_PROOFS, _SHOPS, ("sweeper",), ("api", "commands")),
    Flow(topics.CONNECTIONS, _SHOPS, ("publisher",), ("api",)),
    Flow(
        topics.REMOTE_VERSIONS,
        _SHOPS,
        ("sweeper", "commands"),
        ("sweeper", "api", "commands"),
    ),
    Flow(topics.MONITOR, _SHOPS, ("monitor",), ("api",)),
    Flow(topics.SHADOW_REPORTS, _SHOPS, ("publisher",), ("commands",)),
    Flow(
        topics.AUDIT,
        _STEERED,
        ("sweeper", "publisher", "commands"),
        ("api", "commands", "monitor"),
    ),
    Flow(topics.API_KEYS, _STEERED, ("commands",), ("gateway", "checkout", "api")),
)

TRANSACTIONAL = frozenset(
    flow.topic.name for flow in FLOWS if all(name in EXACTLY_ONCE for name in flow.writers)
)
"""Topics whose records all come in transactions: each ends in a marker that takes an offset."""
