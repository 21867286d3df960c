"""The imitated seller's inventory: items, their offers, and what a write does to them.

Rules and error ids are those of the description of the Sell Inventory API; the words of the error
for too many revisions are ours, since eBay documents the limit alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec

SKU_CHARACTERS_MAX = 50
OFFERS_MAX = 25
REVISIONS_MAX = 250
_DOMAIN = "API_INVENTORY"
_QUANTITY_MAX = 2**31 - 1


def error(number: int, message: str, category: str = "REQUEST") -> dict[str, Any]:
    """An error object as eBay writes them."""
    told = {"domain": _DOMAIN, "subdomain": "Selling", "category": category}
    return {"errorId": number, **told, "message": message}


class RefusedError(Exception):
    """A call or a row of it that eBay does not take; ``error`` is its error object."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.error = error(number, message)


class FakeOffer(msgspec.Struct):
    """One offer of a SKU; an auction where ``auction``."""

    id: str
    listing: str
    sku: str
    quantity: int
    auction: bool = False
    published: bool = True
    marketplace: str = "EBAY_DE"
    sold: int = 0

    def as_json(self) -> dict[str, Any]:
        """As getOffers tells it."""
        told: dict[str, Any] = {
            "offerId": self.id,
            "sku": self.sku,
            "marketplaceId": self.marketplace,
            "format": "AUCTION" if self.auction else "FIXED_PRICE",
            "availableQuantity": self.quantity,
            "status": "PUBLISHED" if self.published else "UNPUBLISHED",
        }
        if self.published:
            told["listing"] = {
                "listingId": self.listing,
                "listingStatus": "ACTIVE",
                "soldQuantity": self.sold,
            }
        return told


class FakeItem(msgspec.Struct):
    """One inventory item: its ship-to quantity, how that is distributed, and its offers."""

    sku: str
    quantity: int = 0
    locations: dict[str, int] = msgspec.field(default_factory=dict)
    offers: list[FakeOffer] = msgspec.field(default_factory=list)
    spoiled: bool = False

    def as_json(self) -> dict[str, Any]:
        """As bulk_get_inventory_item tells it."""
        there: dict[str, Any] = {"quantity": self.quantity}
        if self.locations:
            there["availabilityDistributions"] = [
                {"merchantLocationKey": key, "quantity": units}
                for key, units in self.locations.items()
            ]
        return {"sku": self.sku, "availability": {"shipToLocationAvailability": there}}

    @property
    def live(self) -> list[FakeOffer]:
        """Its published offers at a fixed price."""
        return [offer for offer in self.offers if offer.published and not offer.auction]

    @property
    def auctioned(self) -> int:
        """Units that its auctions hold."""
        return sum(offer.quantity for offer in self.offers if offer.published and offer.auction)

    @property
    def shows(self) -> int | None:
        """What a buyer sees: the lesser of both quantities; None where nothing is live."""
        return min(self.quantity, *(offer.quantity for offer in self.live)) if self.live else None


class Store:
    """All items of the seller, by SKU. ``places`` are the keys of its locations."""

    def __init__(self, places: Container[str]) -> None:
        self.items: dict[str, FakeItem] = {}
        self.writes: list[tuple[str, int]] = []
        self._places = places
        self._revised: dict[tuple[str, date], int] = {}

    def write(self, row: Mapping[str, Any], today: date) -> Iterator[dict[str, Any]]:
        """Carry one row of bulk_update_price_quantity out; its rows of the answer."""
        sku, offers = row["sku"], row.get("offers", [])
        names = [{"sku": sku, "offerId": offer["offerId"]} for offer in offers] or [{"sku": sku}]
        try:
            self._carry_out(sku, row.get("shipToLocationAvailability"), offers, today)
        except RefusedError as refused:
            for name in names:
                yield {"statusCode": 400, **name, "errors": [refused.error]}
            return
        for name in names:
            yield {"statusCode": 200, **name}

    def _carry_out(
        self,
        sku: str,
        there: Mapping[str, Any] | None,
        offers: list[dict[str, Any]],
        today: date,
    ) -> None:
        item = self.items.get(sku)
        if item is None:
            raise RefusedError(25702, f"SKU {sku} is not available in the system")
        if item.spoiled:
            raise RefusedError(25002, "Any User error. This item is not to be revised.")
        wanted = [(self._offer(item, row["offerId"]), row["availableQuantity"]) for row in offers]
        if there is not None:
            self._check_item(item, there)
        for offer, _ in wanted:
            if self._revised.get((offer.listing, today), 0) >= REVISIONS_MAX:
                raise RefusedError(
                    25002, "Any User error. The limit of revisions of this listing is reached."
                )
        if there is not None:
            item.quantity = there["quantity"]
            rows = there.get("availabilityDistributions", ())
            item.locations = {one["merchantLocationKey"]: one["quantity"] for one in rows}
        for offer, quantity in wanted:
            offer.quantity = quantity
            key = (offer.listing, today)
            self._revised[key] = self._revised.get(key, 0) + 1
        if item.shows is not None:
            self.writes.append((sku, item.shows))

    def items_told(self, skus: Iterable[str]) -> list[dict[str, Any]]:
        """The rows of bulk_get_inventory_item for these."""
        rows: list[dict[str, Any]] = []
        for sku in skus:
            item = self.items.get(sku)
            if item is None:
                told = error(25702, f"SKU {sku} is not available in the system")
                rows.append({"statusCode": 404, "sku": sku, "errors": [told]})
            else:
                rows.append({"statusCode": 200, "sku": sku, "inventoryItem": item.as_json()})
        return rows

    def revised(self, listing: str, today: date) -> int:
        """How often a listing was revised on a day."""
        return self._revised.get((listing, today), 0)

    def _offer(self, item: FakeItem, number: str) -> FakeOffer:
        for offer in item.offers:
            if offer.id == number and offer.published:
                if offer.auction:
                    raise RefusedError(
                        25762, "availableQuantity is not applicable for auction offer."
                    )
                return offer
        raise RefusedError(25713, f"This Offer is not available : {number}.")

    def _check_item(self, item: FakeItem, there: Mapping[str, Any]) -> None:
        if there["quantity"] < item.auctioned:
            raise RefusedError(
                25759,
                "shipToLocationAvailability quantity value should be greater than or equal to "
                "auction allocation. Please provide valid quantity or unpublish auction offers of "
                "the sku.",
            )
        for one in there.get("availabilityDistributions", ()):
            if one["merchantLocationKey"] not in self._places:
                raise RefusedError(
                    25900, "One or more inventory locations could not be found for the seller."
                )


def check_call(body: Any, skus_max: int) -> list[dict[str, Any]]:
    """The rows of bulk_update_price_quantity. RefusedError for what the description has not."""
    rows = _rows(body)
    if not 0 < len(rows) <= skus_max:
        raise RefusedError(25709, f"Invalid value for requests. At most {skus_max} SKU per call")
    numbers: list[str] = []
    for row in rows:
        _fields(row, {"sku": str, "shipToLocationAvailability": dict, "offers": list}, "sku")
        there = row.get("shipToLocationAvailability")
        if there is not None:
            _fields(there, {"quantity": int, "availabilityDistributions": list}, "quantity")
            _quantity(there["quantity"], "shipToLocationAvailability.quantity")
            for one in there.get("availabilityDistributions", ()):
                _fields(one, {"merchantLocationKey": str, "quantity": int}, "merchantLocationKey")
                _quantity(one.get("quantity"), "availabilityDistributions.quantity")
        for offer in row.get("offers", ()):
            _fields(offer, {"offerId": str, "availableQuantity": int}, "offerId")
            _quantity(offer.get("availableQuantity"), "availableQuantity")
            numbers.append(offer["offerId"])
    if len(numbers) > OFFERS_MAX or len(set(numbers)) < len(numbers):
        raise RefusedError(25709, "Invalid value for offers. Too many, or one of them twice")
    return rows


def check_skus(body: Any) -> list[str]:
    """The SKUs of bulk_get_inventory_item. RefusedError for what the description has not."""
    rows = _rows(body)
    if not 0 < len(rows) <= OFFERS_MAX:
        raise RefusedError(25727, "The number of InventoryItems in the request cannot exceed 25.")
    for row in rows:
        _fields(row, {"sku": str}, "sku")
    skus = [str(row["sku"]) for row in rows]
    if len(set(skus)) < len(skus):
        raise RefusedError(25734, "SKU should be unique in the request.")
    return skus


def _rows(body: Any) -> list[dict[str, Any]]:
    _fields(body, {"requests": list}, "requests")
    rows: list[dict[str, Any]] = body["requests"]
    return rows


def _fields(told: Any, known: Mapping[str, type], *needed: str) -> None:
    if not isinstance(told, dict):
        raise RefusedError(25709, "Invalid value for request. An object is expected")
    for name, value in told.items():
        if name not in known or type(value) is not known[name]:
            raise RefusedError(25709, f"Invalid value for {name}. Not known, or of another type")
    missing = [name for name in needed if name not in told]
    if missing:
        raise RefusedError(25709, f"Invalid value for {missing[0]}. It is missing")


def _quantity(value: Any, name: str) -> None:
    if type(value) is not int or not 0 <= value <= _QUANTITY_MAX:
        raise RefusedError(25709, f"Invalid value for {name}. Not a quantity")
