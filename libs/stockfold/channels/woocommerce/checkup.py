"""What a shop says of itself: version, settings, permissions, limits. Nothing here changes it.

Permission to write is found out with a batch of nothing: WooCommerce checks the key and its user
before it looks at the items, and there are none (``batch_items`` and ``check_permissions`` in its
source). The limit of a batch is found out with items of a product that no shop has: each is
answered with an error of its own, and all of them with 413 where the host takes fewer.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from stockfold.channels.port import Response
from stockfold.channels.woocommerce import answers, asking
from stockfold.channels.woocommerce.adapter import ITEMS_MAX, TOO_LARGE
from stockfold.channels.woocommerce.asking import Conversation, get, send
from stockfold.channels.woocommerce.observing import whole

NOBODY = 2_147_483_647
"""The highest id of a signed 32-bit column; WordPress's are 64 bits wide, and count from 1."""
SYSTEM_FIELDS = ",".join(
    f"environment.{name}" for name in ("version", "wp_version", "php_version", "php_post_max_size")
)
SETTINGS = (
    "woocommerce_manage_stock",
    "woocommerce_hold_stock_minutes",
    "woocommerce_notify_no_stock_amount",
)
_LIMIT = re.compile(r"more than (\d{1,6}) items")


class System(msgspec.Struct, frozen=True):
    """Versions, and the bytes of a request that PHP takes (None: it does not say)."""

    woocommerce: str = ""
    wordpress: str = ""
    php: str = ""
    post_bytes_max: int | None = None


class StockSettings(msgspec.Struct, frozen=True):
    """The shop's own settings of stock; None where it does not say.

    ``hold_minutes`` is 0 where units of unpaid orders are held for ever. At ``out_at`` units and
    below the shop shows a product as out of stock.
    """

    managed: bool | None = None
    hold_minutes: int | None = None
    out_at: int | None = None


class BatchLimit(msgspec.Struct, frozen=True):
    """How many items of a batch were taken, in how many bytes; ``refusals`` are what was not."""

    items: int
    body_bytes: int
    refusals: tuple[str, ...] = ()


def may_read(collection: str = "products") -> Conversation[None]:
    """Read one row. NotServedError when the key may not, or the shop does not serve."""
    request = get(collection, ("per_page", "1"), ("_fields", "id"))
    answer = yield request
    if not isinstance(asking.read(request, answer), list):
        raise asking.not_understood(request, answer)


def may_write() -> Conversation[None]:
    """Write nothing. NotServedError when the key may not write, or the shop does not serve."""
    request = send("POST", "products/batch", {"update": []})
    answer = yield request
    # PHP makes no difference between an empty list and an empty object.
    if asking.read(request, answer) not in ([], {}, {"update": []}):
        raise asking.not_understood(request, answer)


def system() -> Conversation[System]:
    """What runs there. NotServedError, also where the key's user is no manager of the shop."""
    request = get("system_status", ("_fields", SYSTEM_FIELDS))
    answer = yield request
    told = asking.read(request, answer)
    found = told.get("environment") if isinstance(told, dict) else None
    if not isinstance(found, dict):
        raise asking.not_understood(request, answer)
    size = whole(found.get("php_post_max_size"))
    return System(
        _text(found.get("version")),
        _text(found.get("wp_version")),
        _text(found.get("php_version")),
        size if size is not None and size > 0 else None,
    )


def stock_settings() -> Conversation[StockSettings]:
    """How the shop is set. NotServedError, also where the key's user may not see settings."""
    request = get("settings/products", ("_fields", "id,value"))
    answer = yield request
    rows = asking.read(request, answer)
    if not isinstance(rows, list):
        raise asking.not_understood(request, answer)
    found = {
        row["id"]: row.get("value")
        for row in rows
        if isinstance(row, dict) and row.get("id") in SETTINGS
    }
    managed, minutes, out_at = (found.get(name) for name in SETTINGS)
    return StockSettings(
        managed == "yes" if managed in ("yes", "no") else None,
        0 if minutes == "" else whole(minutes),
        whole(out_at),
    )


def batch_limit(items_max: int = ITEMS_MAX) -> Conversation[BatchLimit]:
    """How many items of a batch the shop takes; every one is of a product that is not there.

    NotServedError where even a single item is not answered, or one was taken.
    """
    count, refusals = items_max, []
    while True:
        item = {"id": NOBODY, "manage_stock": True, "stock_quantity": 0}
        request = send("POST", "products/batch", {"update": [item] * count})
        answer = yield request
        if isinstance(answer, Response) and answer.status in TOO_LARGE and count > 1:
            _, message = answers.code_and_message(answer.body)
            refusals.append(f"{count} items: HTTP {answer.status} {message}".strip())
            named = _LIMIT.search(message)
            count = min(int(named[1]) if named and int(named[1]) > 0 else count // 2, count - 1)
            continue
        told = asking.read(request, answer)
        rows = told.get("update") if isinstance(told, dict) else None
        if not isinstance(rows, list) or len(rows) != count or not all(map(_is_error, rows)):
            raise asking.not_understood(request, answer)
        return BatchLimit(count, len(msgspec.json.encode(request.json)), tuple(refusals))


def _is_error(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("error"), dict)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
