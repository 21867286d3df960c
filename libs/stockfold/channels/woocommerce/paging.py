"""A collection of the shop read page by page in the order of ids, while it changes.

Ids never change and new ones are higher, but what is removed moves later rows up unseen. So each
page begins with the last row of the one before; where it does not, reading goes back until the
pages overlap again. A page may hold fewer rows than asked for although more follow: WooCommerce
leaves out what it cannot load (``get_items`` in its CRUD controller), so the end is where its count
of all rows ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from stockfold.channels.port import Failure, Request, Response, Trouble, TroubleKind
from stockfold.channels.woocommerce import asking
from stockfold.channels.woocommerce.asking import NotServedError, get

PER_PAGE = 100
PER_PAGE_MIN = 5
PAGES_MAX = 100_000
"""Ten million rows; a shop that has ever more of them does not tell the truth."""


class Collection:
    """One collection, such as ``products``; ``request`` until ``ended``.

    NotServedError from ``receive`` when the shop does not serve: the same request may be made
    again, or a smaller one after ``halve``.
    """

    def __init__(self, path: str, fields: str, per_page: int = PER_PAGE) -> None:
        assert per_page > 1, "pages overlap by one row"
        self._path = path
        self._fields = fields
        self.per_page = per_page
        self._offset = 0
        self._last = 0
        self._proved = False
        self._pages = 0
        self.rows = 0
        self.total: int | None = None
        self.ended = False

    @property
    def request(self) -> Request:
        """The next request."""
        return get(
            self._path,
            ("orderby", "id"),
            ("order", "asc"),
            ("per_page", str(self.per_page)),
            ("offset", str(self._offset)),
            ("_fields", self._fields),
        )

    def halve(self) -> None:
        """Ask for smaller pages from here on: the shop could not serve one in time."""
        self.per_page = max(self.per_page // 2, PER_PAGE_MIN)

    def receive(
        self, answer: Response | Failure, missing: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        """The rows of a page that were not seen before; ``missing`` as in ``asking.read``."""
        request = self.request
        rows = asking.read(request, answer, missing)
        if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
            raise asking.not_understood(request, answer)
        ids = [row["id"] for row in rows]
        self._pages += 1
        if any(later <= earlier for earlier, later in pairwise(ids)):
            raise _refused(request, "not_ordered", "rows do not come in the order of their ids")
        if self._pages > PAGES_MAX:
            raise _refused(request, "endless", f"there are more than {PAGES_MAX} pages")
        assert isinstance(answer, Response)
        self.total = _total(answer)
        if self._offset and not self._proved and (not ids or ids[0] > self._last):
            self._offset = max(self._offset - self.per_page // 2, 0)
            return []
        return self._accept(rows, ids)

    def _accept(self, rows: list[dict[str, Any]], ids: Sequence[int]) -> list[dict[str, Any]]:
        new = [row for row in rows if row["id"] > self._last]
        end = self._offset + self.per_page
        self.ended = len(rows) < self.per_page if self.total is None else end >= self.total
        # Without a new row all of this page was seen: what follows it directly cannot be missed,
        # and going back once more would read the same for ever.
        self._proved = not new
        self._offset = end - 1 if new else end
        self._last = max(self._last, *ids[-1:], 0)
        self.rows += len(new)
        return new


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and type(row.get("id")) is int and row["id"] > 0


def _total(answer: Response) -> int | None:
    text = answer.headers.get("x-wp-total", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _refused(request: Request, code: str, detail: str) -> NotServedError:
    detail += "; does a plugin or a cache answer for the shop?"
    return NotServedError(request, Trouble(TroubleKind.REFUSED, code, detail))
