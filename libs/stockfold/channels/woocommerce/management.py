"""Whether the shop manages stock at all.

With that off, WooCommerce takes quantities without a word and shows no product as managed.
"""

from __future__ import annotations

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Failure,
    Purpose,
    Request,
    Response,
    Trouble,
    TroubleKind,
)
from stockfold.channels.woocommerce import answers

PATH = "/wp-json/wc/v3/settings/products/woocommerce_manage_stock"
OFF = Trouble(
    TroubleKind.REFUSED,
    "stock_management_off",
    "the shop manages no stock: turn it on under WooCommerce, Settings, Products, Inventory",
)


def ask() -> Request:
    """The request; it is about no update."""
    return Request(Purpose.LOOK_UP, "GET", PATH, ())


def receive(request: Request, response: Response | Failure) -> Answer:
    """Trouble when it is off or the shop does not serve; none when it is on or not to be known.

    A key of somebody who may not see settings is told 401 or 403, with a code.
    """
    if isinstance(response, Failure):
        return statuses.unanswered(request, response)
    if 400 <= response.status < 500 and response.status not in (408, 429):
        code, _ = answers.code_and_message(response.body)
        if code:
            return Answer()
    if not 200 <= response.status < 300:
        return answers.refused_as_a_whole(request, response)
    try:
        setting = statuses.decoded(response.body)
    except statuses.NotJsonError:
        return answers.not_understood(request, response)
    off = isinstance(setting, dict) and setting.get("value") == "no"
    return Answer(trouble=OFF if off else None)
