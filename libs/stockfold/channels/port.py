"""What every channel adapter speaks: updates in, requests out; response in, outcomes out.

An adapter knows one vendor's interface and nothing else: no HTTP client, no clock, no timer. Its
caller keeps the backlog, performs the requests, and decides when to try again.

    updates ──▶ next_request ──▶ Request ──▶ (authorize) ──▶ the caller's HTTP client
    outcomes ◀── receive ◀── Response | Failure ◀──────────────────┘
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from stockfold.channels.orders import ChannelOrder


class Promise(msgspec.Struct, frozen=True):
    """What kind of units a quantity counts: those of ``backorder`` and ``preorder`` are not there.

    ``next_available`` is the day from which more can be had, in days since 1970, None when nobody
    knows;
    ``lead_time_days`` is from order to dispatch.
    """

    status: str = "in_stock"
    next_available: int | None = None
    lead_time_days: int | None = None


IN_STOCK = Promise()


class Restored(msgspec.Struct, frozen=True):
    """A listing as it was before us: exactly this, negative quantities too.

    ``quantity`` counts where ``managed``, ``stock_status`` where not; that and ``backorders`` are
    the channel's words, empty for none.
    """

    quantity: int
    managed: bool = True
    backorders: str = ""
    stock_status: str = ""


class StockUpdate(msgspec.Struct, frozen=True):
    """What a channel shall show for one SKU.

    ``quantity`` is signed, as the availability event carries it; the adapter clamps. ``version``
    rises with every change of this SKU on this channel. ``failures`` counts the requests that
    carried it and failed as a whole: the adapter sends such updates in ever smaller company, so
    that one that the shop cannot digest ends up alone. ``unseen`` are units that the channel has
    sold and ``quantity`` does not know of: they are shown as gone. With ``restored`` the channel
    shall show that, whatever the quantity says. ``locations`` are (location, units) by name, as far
    as the channel's policy asks for them; they add up to the quantity, or to none below zero.
    """

    sku: str
    quantity: int
    version: int
    failures: int = 0
    promise: Promise = IN_STOCK
    unseen: int = 0
    restored: Restored | None = None
    locations: tuple[tuple[str, int], ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """What goes out for an update; equal ones need not be sent again.

    ``quantity`` is what the channel sells as stock. ``backorders`` is the channel's word for
    selling on without it, empty when that is left as it is; ``extras`` are further fields. Where
    it is not ``managed``, the channel shall keep no stock of it, and sell it by ``stock_status``.
    ``locations`` are (the channel's own name of a location, units) where it is told them apart.
    """

    quantity: int
    backorders: str = ""
    extras: tuple[tuple[str, str], ...] = ()
    managed: bool = True
    stock_status: str = ""
    locations: tuple[tuple[str, int], ...] = ()


class Purpose(enum.Enum):
    """Why a request is made.

    READ: to see how things stand right before a write. FOLLOW: what became of a write that was
    ACCEPTED.
    """

    LOOK_UP = "look_up"
    READ = "read"
    WRITE = "write"
    FOLLOW = "follow"


class Request(msgspec.Struct, frozen=True):
    """One HTTP request for the caller to make. ``path`` and ``params`` are not yet encoded.

    ``updates`` are the updates it is about, in the order of its items. Every request of an
    ``idempotent`` kind may be repeated when its fate is unclear. ``body`` is sent as it is, instead
    of ``json``. ``url`` is a whole address instead of ``path``: where a channel has told us to load
    something up or down. Such a request carries no credentials of ours.
    """

    purpose: Purpose
    method: str
    path: str
    updates: tuple[StockUpdate, ...]
    params: tuple[tuple[str, str], ...] = ()
    json: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    idempotent: bool = True
    body: bytes | None = None
    url: str = ""


class Response(msgspec.Struct, frozen=True):
    """What came back. Names of ``headers`` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Failure(msgspec.Struct, frozen=True):
    """No response came: ``code`` is ``timeout``, ``connect``, ``broken``, ``too_large``, or
    ``credentials``: they have ended, and no new ones were to be had.

    After a time-out the channel may or may not have done what was asked.
    """

    code: str
    detail: str


class OutcomeKind(enum.Enum):
    """What became of an update. SHADOW: the connection's mode does not write it.

    ACCEPTED: the channel has taken it and will do it later. It is offered again after
    ``retry_after_s``, with nothing counted against it; the adapter then asks what became of it. So
    is what the adapter holds back, because the channel takes no more of it for now.
    """

    APPLIED = "applied"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"
    RETRYABLE = "retryable"
    REJECTED = "rejected"
    UNMAPPED = "unmapped"
    GAVE_UP = "gave_up"
    SHADOW = "shadow"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one update. Of one that was applied, ``code`` and ``detail`` are a warning.

    ``whole_request`` tells a failure that may be the fault of another update in the same request.
    """

    update: StockUpdate
    kind: OutcomeKind
    code: str = ""
    detail: str = ""
    retry_after_s: float | None = None
    whole_request: bool = False


class TroubleKind(enum.Enum):
    """What is the matter with a channel."""

    REFUSED = "refused"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


class Trouble(msgspec.Struct, frozen=True):
    """The channel itself did not serve; nothing is said about single updates.

    REFUSED: our credentials or permissions are not accepted, somebody must act. LIMITED: we are
    too fast. UNAVAILABLE: it is down, overloaded, or something stands between it and us.
    """

    kind: TroubleKind
    code: str
    detail: str
    retry_after_s: float | None = None


class Observed(msgspec.Struct, frozen=True):
    """What a response showed of one listing: read, or echoed by a write.

    ``quantity`` is None where the listing's own stock is not managed (``managed`` says so) or is
    no whole number. ``listing`` is the channel's own name for it. ``written`` is the quantity that
    the same request has just set, None when it only read: ``quantity`` is its echo then, and may
    be less by what was sold in that moment.
    """

    sku: str
    quantity: int | None
    managed: bool = True
    listing: str = ""
    backorders: str = ""
    written: int | None = None
    stock_status: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What a response means.

    Updates of the request that have no outcome are as they were before it: wanted, and to be
    offered again, with nothing counted against them. ``observed`` is in the order of the response,
    at most one per SKU; an ambiguous SKU is not among them. ``levels`` are (bucket, tokens left)
    where the channel has told how much of a budget is left.
    """

    outcomes: tuple[Outcome, ...] = ()
    trouble: Trouble | None = None
    observed: tuple[Observed, ...] = ()
    levels: tuple[tuple[str, float], ...] = ()


class OrderReading(Protocol):
    """A reading of changed orders: ``request`` until it is None, each answer to ``receive``.

    ``latest_us`` is the moment of the first answer, or else the newest change that it told, in the
    channel's own time: what changed before, and is not too fresh to be visible, was read.
    """

    latest_us: int

    @property
    def request(self) -> Request | None:
        """The next request; None when everything was read."""
        ...

    def receive(self, answer: Response | Failure) -> OrderPage:
        """What an answer held. Never raises on what a channel sends."""
        ...


class OrderPage(msgspec.Struct, frozen=True):
    """Orders as they are now; or the trouble with reading them."""

    orders: tuple[ChannelOrder, ...] = ()
    trouble: Trouble | None = None


class Assurance(enum.Enum):
    """What an adapter was proved against.

    LIVE: a merchant's shop. CONTRACT: a shop of ours that imitates what was measured on real ones.
    UNVERIFIED: what was read about the vendor's interface.
    """

    LIVE = "live"
    CONTRACT = "contract"
    UNVERIFIED = "unverified"


class Adapter(Protocol):
    """One vendor's interface, for one connection."""

    assurance: Assurance
    requests_in_flight_max: int

    def to_show(self, update: StockUpdate) -> Shown:
        """What goes out: clamped to what the channel can show. By settings and the update alone."""
        ...

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        """The one request to make now for updates that are due, most urgent first.

        None only for no updates. It may be about none of them: a question about the channel. Where
        a rate budget is used up, it is received as not sent (``connect``) and offered again. At
        most one update per SKU; none whose SKU is in a request that is still under way. A write has
        at most ``items_max`` of them, however many the channel takes.
        """
        ...

    def read(self, updates: Sequence[StockUpdate]) -> Request:
        """The question what the first of these show, and as many others as fit."""
        ...

    def changed_orders(self, after_us: int) -> OrderReading:
        """The questions which orders changed after a moment of the channel's own time."""
        ...

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        """A cheap request that shows whether the channel serves again; ``due`` is not empty."""
        ...

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        """What a request came to. Never raises on what a channel sends."""
        ...

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """The request with its credentials added.

        ``now_s`` is UTC seconds since 1970; ``nonce`` must never be used twice.
        """
        ...


class Charge(msgspec.Struct, frozen=True):
    """What a request takes from one rate budget: ``cost`` tokens.

    ``bucket`` names the account and the operation: connections that name the same one share it. It
    fills by ``per_s`` tokens a second, up to ``burst``.
    """

    bucket: str
    per_s: float
    burst: float
    cost: float = 1.0


@runtime_checkable
class Metered(Protocol):
    """An adapter that knows what its requests cost before it makes them."""

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """What a request takes; it is sent once every bucket holds as much."""
        ...


@runtime_checkable
class Renewing(Protocol):
    """An adapter whose credentials end, and are renewed before they do."""

    def renewal(self, now_s: int) -> Request | None:
        """The request for new credentials; None while those at hand will do.

        It is sent as it is, without ``authorize``.
        """
        ...

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        """Take the new credentials in; what is the matter when none have come."""
        ...
