"""What the shop shows of one SKU now."""

from __future__ import annotations

from stockfold.channels.port import StockUpdate
from stockfold.channels.woocommerce import asking, lookups
from stockfold.channels.woocommerce.asking import Conversation
from stockfold.domain.errors import ContractError


def quantity_of(sku: str) -> Conversation[int | None]:
    """The quantity of the one listing of a SKU; None when its stock is not managed.

    ContractError ``canary_unfit`` when no listing, or several, have it, or it holds no stock.
    NotServedError when the shop does not serve.
    """
    update = StockUpdate(sku, 0, 0)
    request = lookups.look_up([update], 1)
    answer = yield request
    rows = asking.read(request, answer)
    found = lookups.found(rows, [sku])
    if found is None:
        raise asking.not_understood(request, answer)
    why = lookups.judge(update, found[sku])
    if why is not None:
        raise ContractError(
            "canary_unfit",
            f"{sku} cannot be watched: {why.code}: {why.detail}",
            where="channels.monitor.sku",
            remedy="Make one simple product of this SKU in the shop, hidden from customers.",
        )
    quantities = [row.get("stock_quantity") for row in rows if row.get("sku") == sku]
    number = quantities[0] if quantities else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None
