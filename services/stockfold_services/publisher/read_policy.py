"""Which listings are read before they are written: where it can matter, at a tenth of the cost."""

from __future__ import annotations

import msgspec

from stockfold_services.publisher.sold_there import SoldThere


class ReadPolicy(msgspec.Struct, frozen=True):
    """A listing is read first when it sold something lately, sells fast, or was not seen for long.

    It sells fast with ``hot_sales`` sales within ``hot_s``. Which orders changed is asked before
    every write, as one question covers all listings; ``orders`` false leaves that out.
    """

    orders: bool = True
    recently_sold_s: float = 900.0
    hot_sales: int = 3
    hot_s: float = 3_600.0
    long_since_s: float = 3_600.0

    def reads(self, sold: SoldThere, sku: str, now_s: float) -> bool:
        """Whether the listing of a SKU is to be read first."""
        seen_s = sold.seen_s(sku)
        if seen_s is None or now_s - seen_s >= self.long_since_s or sold.is_doubtful(sku):
            return True
        sales_s = sold.sales_s(sku)
        if sales_s and now_s - sales_s[-1] < self.recently_sold_s:
            return True
        return sum(now_s - at_s < self.hot_s for at_s in sales_s) >= self.hot_sales
