"""How many SKUs go in one call: eBay's reference says one, its guide 25, so it is tried out."""

from __future__ import annotations


class CallSize:
    """Begins with one, and doubles up to ``most`` while eBay answers all.

    It never grows again past what eBay did not take.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = 1

    def answered(self, count: int) -> None:
        """A call of ``count`` SKUs was answered, each of them."""
        if count == self.now:
            self.now = min(2 * self.now, self._most)

    def too_many(self, count: int) -> None:
        """A call of ``count`` SKUs was refused, or answered in part."""
        self.now = self._most = max(count // 2, 1)
