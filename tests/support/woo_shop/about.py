"""What the shop says of itself: its settings and its versions."""

from __future__ import annotations

from typing import Any

from stockfold.channels.woocommerce.fake.catalogue import RestError
from tests.support.woo_shop.shop import Shop

GROUP = "settings/products"
MANAGE_STOCK = "woocommerce_manage_stock"
VARIATIONS_SINCE = (10, 3)


def lists_variations(shop: Shop) -> bool:
    """Whether there is ``GET variations``."""
    major, minor = shop.version.split(".")[:2]
    return (int(major), int(minor)) >= VARIATIONS_SINCE


def answer(shop: Shop, route: str) -> Any:
    """The answer to a question about settings or the system; None for any other route."""
    if not (route == "system_status" or route.startswith(GROUP)):
        return None
    if not shop.manager:
        raise RestError(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
    if route == "system_status":
        return {"environment": _environment(shop)}
    options = {MANAGE_STOCK: "yes" if shop.catalogue.manage_stock_option else "no", **shop.settings}
    rows = [{"id": name, "value": value} for name, value in options.items()]
    if route == GROUP:
        return rows
    for row in rows:
        if route == f"{GROUP}/{row['id']}":
            return row
    raise RestError(404, "rest_setting_setting_invalid", "Invalid setting.")


def set_option(shop: Shop, name: str, value: str) -> None:
    """``PUT settings/products/{name}``."""
    if name == MANAGE_STOCK:
        shop.catalogue.manage_stock_option = value == "yes"
    else:
        shop.settings[name] = value


def _environment(shop: Shop) -> dict[str, Any]:
    return {
        "version": shop.version,
        "wp_version": "6.9",
        "php_version": shop.php_version,
        "php_post_max_size": shop.post_bytes_max,
    }
