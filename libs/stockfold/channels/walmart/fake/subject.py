"""Walmart Marketplace as a subject of the conformance suite."""

from __future__ import annotations

from collections.abc import Mapping

from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Response
from stockfold.channels.walmart.fake.api import Api
from stockfold.channels.walmart.fake.gateway import Doors
from stockfold.channels.walmart.fake.jobs import Jobs
from stockfold.channels.walmart.fake.stock import Stock

BEGAN_S = 1_700_000_000.0


class WalmartSubject:
    """See ``stockfold.channels.conformance.Subject``.

    With ``nodes`` of (our location, ship node) the seller has several ship nodes, otherwise the
    default one alone.
    """

    url = "https://marketplace.example"

    def __init__(self, nodes: Mapping[str, str] | None = None) -> None:
        self.locations: Mapping[str, str] = (
            {"east": "1000005050", "west": "79897837271126017"} if nodes is None else nodes
        )
        names = tuple(self.locations.values()) or ("100009",)
        self.options: Mapping[str, object] = {
            "seller": "10000000354",
            "market": "us",
            "global_version": "3.1",
            "undivided_node": names[0] if self.locations else "",
            "feed_from": 25,
            "list_from": 20,
        }
        self.credentials: Mapping[str, str] = {
            "client_id": "c7291c6b-7290-4d0c-9a51-3d1d6f5bb0a4",
            "client_secret": "APXcIoTpKMH9OQNdummyWalmartSecret",
        }
        self.stock = Stock(names)
        self.jobs = Jobs(self.stock)
        headers = {
            "wm_svc.name": "Walmart Marketplace",
            "wm_market": "us",
            "wm_global_version": "3.1",
        }
        pair = (self.credentials["client_id"], self.credentials["client_secret"])
        doors = Doors(*pair, headers)
        self._api = Api(self.stock, self.jobs, doors, BEGAN_S)
        self._now_s = BEGAN_S

    # The merchant and the customers.

    @property
    def now_s(self) -> float:
        """See ``Subject.now_s``."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """See ``Subject.advance``."""
        self._now_s += seconds
        self.jobs.go_on(self._now_s)

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``."""
        self.stock.put_up(sku, quantity, per_location)

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``."""
        self.stock.unlist(sku)

    def spoil(self, sku: str) -> None:
        """See ``Subject.spoil``."""
        self.stock.spoiled.add(sku)

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``: units are reserved, the seller's input stays."""
        self.stock.sell(sku, units)

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        return sum(self.stock.at(sku).values()) if self.stock.has(sku) else None

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``."""
        return dict(self.stock.at(sku)) if self.locations else {}

    def fail(self, fault: Fault, times: int = 1) -> None:
        """See ``Subject.fail``."""
        self._api.faults += [fault] * times

    @property
    def writes(self) -> tuple[tuple[str, int], ...]:
        """See ``Subject.writes``."""
        return tuple(self.stock.writes)

    @property
    def items_most(self) -> int:
        """See ``Subject.items_most``."""
        return max(int(self._api.has_put), self.jobs.items_most)

    def answer(self, sent: Sent) -> Response | None:
        """See ``Subject.answer``."""
        return self._api.answer(sent, self._now_s)
