"""The imitated Listings Items API 2021-08-01: patch, search and get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockfold.channels.amazon.fake_store import Listed, RefusalError, Store, check_shape, wrong

APPLIED_AFTER_S = 20.0
"""Amazon accepts a patch and carries it out after a while; how long is told nowhere."""
DATED = "2021-02-01T00:00:00Z"
_DATA = frozenset(
    [
        "summaries",
        "attributes",
        "issues",
        "offers",
        "fulfillmentAvailability",
        "procurement",
        "relationships",
        "productTypes",
        "identifiers",
    ]
)
_PATCH_PARAMS = frozenset({"marketplaceIds", "includedData", "mode", "issueLocale"})
_GET_PARAMS = frozenset({"marketplaceIds", "includedData", "issueLocale"})
_SEARCH_PARAMS = _GET_PARAMS | {"identifiers", "identifiersType", "pageSize", "pageToken"}
_BODY = frozenset({"productType", "patches"})
IDENTIFIERS_MAX = 20


class ListingsApi:
    """Answers as (status, body); RefusalError for what is wrong."""

    def __init__(self, store: Store, marketplaces: tuple[str, ...]) -> None:
        self._store = store
        self._marketplaces = marketplaces

    def patch(self, sku: str, params: Mapping[str, str], body: Any) -> tuple[int, Any]:
        """patchListingsItem: a SKU that nobody has listed is accepted as well."""
        self._check(params, _PATCH_PARAMS)
        checked = check_shape(body, _BODY)
        self._store.took(1)
        issues = self._store.issues_of(sku, checked)
        number = f"f1dc2914-75dd-11ea-bc55-{self._store.number():012x}"
        preview = params.get("mode") == "VALIDATION_PREVIEW"
        status = "INVALID" if issues else "VALID" if preview else "ACCEPTED"
        if status == "ACCEPTED":
            at_s = self._store.now_s + APPLIED_AFTER_S
            self._store.later(at_s, lambda: self._store.apply(sku, checked["patches"]))
        told: dict[str, Any] = {"sku": sku, "status": status, "submissionId": number}
        if "identifiers" in params.get("includedData", ""):
            listed = self._store.listings.get(sku)
            told["identifiers"] = [] if listed is None or issues else [self._identity(listed)]
        return 200, {**told, "issues": issues}

    def _identity(self, listed: Listed) -> dict[str, str]:
        return {"marketplaceId": self._marketplaces[0], "asin": listed.asin}

    def get(self, sku: str, params: Mapping[str, str]) -> tuple[int, Any]:
        """One listing."""
        data = self._check(params, _GET_PARAMS)
        listed = self._store.listings.get(sku)
        if listed is None:
            raise RefusalError(404, "NOT_FOUND", f"SKU '{sku}' not found in the marketplaces")
        return 200, self._item(sku, listed, data)

    def search(self, params: Mapping[str, str]) -> tuple[int, Any]:
        """searchListingsItems, by SKU."""
        data = self._check(params, _SEARCH_PARAMS)
        skus = params.get("identifiers", "").split(",")
        if params.get("identifiersType") != "SKU" or not all(skus):
            raise wrong("identifiers of the type SKU are required")
        if len(skus) > IDENTIFIERS_MAX:
            raise wrong(f"at most {IDENTIFIERS_MAX} identifiers")
        self._store.took(len(skus))
        size = int(params.get("pageSize", "10"))
        if not 1 <= size <= IDENTIFIERS_MAX:
            raise wrong("pageSize is from 1 to 20")
        listings = self._store.listings
        items = [
            self._item(sku, listings[sku], data) for sku in dict.fromkeys(skus) if sku in listings
        ]
        told: dict[str, Any] = {"numberOfResults": len(items)}
        if len(items) > size:
            told["pagination"] = {"nextToken": "xsdflkj324lkjsdlkj3423klkjsdfkljlk2j34klj2l3k4j"}
        return 200, {**told, "items": items[:size]}

    def _check(self, params: Mapping[str, str], known: frozenset[str]) -> frozenset[str]:
        if set(params) - known:
            raise wrong(f"unknown parameters {sorted(set(params) - known)}")
        asked = params.get("marketplaceIds", "").split(",")
        if not set(asked) <= set(self._marketplaces):
            raise wrong("marketplaceIds")
        data = frozenset(params.get("includedData", "summaries").split(","))
        if not data <= _DATA:
            raise wrong("includedData")
        return data

    def _item(self, sku: str, listed: Listed, data: frozenset[str]) -> dict[str, Any]:
        told: dict[str, Any] = {"sku": sku}
        if "summaries" in data:
            told["summaries"] = [self._summary(listed, one) for one in self._marketplaces]
        if "fulfillmentAvailability" in data:
            told["fulfillmentAvailability"] = [
                {"fulfillmentChannelCode": code, "quantity": quantity}
                for code, quantity in listed.quantities.items()
            ]
        for name in ("offers", "issues"):
            if name in data:
                told[name] = []
        return told

    @staticmethod
    def _summary(listed: Listed, marketplace: str) -> dict[str, Any]:
        return {
            "marketplaceId": marketplace,
            "asin": listed.asin,
            "productType": listed.product_type,
            "conditionType": "new_new",
            "status": ["BUYABLE"],
            "itemName": "Hardside Carry-On Spinner Suitcase Luggage",
            "createdDate": DATED,
            "lastUpdatedDate": DATED,
        }
