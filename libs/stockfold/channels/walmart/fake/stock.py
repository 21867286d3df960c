"""What the seller lists, and its stock at each ship node.

``availToSellQty = inputQty - reservedQty``: the seller's input includes what is sold and not yet
shipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stockfold.channels.walmart.fake.answers import RefusedError, error

SKU_CHARACTERS_MAX = 50
"""Chosen: the pages call it "an arbitrary alphanumeric unique ID" and name characters to encode."""
SERVICE = "GMP_INVENTORY_API"


class Stock:
    """``nodes`` are the seller's ship nodes, the first of them the default one."""

    def __init__(self, nodes: Sequence[str]) -> None:
        self.nodes = tuple(nodes)
        self._input: dict[str, dict[str, int]] = {}
        self._reserved: dict[str, dict[str, int]] = {}
        self.spoiled: set[str] = set()
        self.writes: list[tuple[str, int]] = []

    def put_up(self, sku: str, quantity: int, per_node: Mapping[str, int] | None) -> None:
        """List a SKU; ValueError for what is no SKU."""
        if not 0 < len(sku) <= SKU_CHARACTERS_MAX or sku != sku.strip():
            raise ValueError(f"a SKU has 1 to {SKU_CHARACTERS_MAX} characters, none of them around")
        self._input[sku] = dict(per_node or {self.nodes[0]: quantity})
        self._reserved[sku] = {}

    def unlist(self, sku: str) -> None:
        """Take it off."""
        del self._input[sku]

    def has(self, sku: str) -> bool:
        """Whether it is listed."""
        return sku in self._input

    def at(self, sku: str) -> Mapping[str, int]:
        """The seller's input by node."""
        return self._input.get(sku, {})

    def sell(self, sku: str, units: int) -> None:
        """Customers order as much of it as is available, wherever."""
        for node in self.nodes:
            sold = min(self._available(sku, node), units)
            reserved = self._reserved[sku]
            reserved[node] = reserved.get(node, 0) + sold
            units -= sold

    def _available(self, sku: str, node: str) -> int:
        held = self._reserved[sku].get(node, 0)
        return max(self._input[sku].get(node, 0) - held, 0)

    def set(self, sku: str, units: Mapping[str, int]) -> None:
        """Take the seller's input in; RefusedError for a SKU that is not listed or not taken."""
        self.find(sku)
        if sku in self.spoiled:
            raise RefusedError(
                400, f"INVALID_REQUEST_CONTENT.{SERVICE}", "the item cannot have stock", "sku"
            )
        self._input[sku] |= units
        self.writes.append((sku, sum(self._input[sku].values())))

    def find(self, sku: str) -> None:
        """RefusedError for a SKU that is not listed."""
        if sku not in self._input:
            raise RefusedError(404, f"CONTENT_NOT_FOUND.{SERVICE}", "no such item", "sku")

    def set_nodes(self, sku: str, wanted: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
        """The same node by node: each is taken alone. What became of each."""
        told: list[dict[str, Any]] = []
        self.find(sku)
        good = {node: units for node, units in wanted if node in self.nodes}
        if good:
            self.set(sku, good)
        for node, _ in wanted:
            if node in good:
                told.append({"shipNode": node, "status": "Success"})
            else:
                wrong = error(400, f"INVALID_REQUEST_PARAM.{SERVICE}", "no such ship node")
                told.append({"shipNode": node, "status": "Failure", "errors": [wrong]})
        return told

    @property
    def skus(self) -> Sequence[str]:
        """All that are listed."""
        return list(self._input)

    def of_sku(self, sku: str) -> dict[str, Any]:
        """All quantities of a SKU."""
        self.find(sku)
        return {"sku": sku, "nodes": [self.of_node(sku, node) for node in self._input[sku]]}

    def of_node(self, sku: str, node: str) -> dict[str, Any]:
        """All three quantities at a node."""
        entered = self._input[sku].get(node, 0)
        return {
            "shipNode": node,
            "inputQty": _each(entered),
            "availToSellQty": _each(self._available(sku, node)),
            "reservedQty": _each(self._reserved[sku].get(node, 0)),
        }


def _each(units: int) -> dict[str, Any]:
    return {"unit": "EACH", "amount": units}
