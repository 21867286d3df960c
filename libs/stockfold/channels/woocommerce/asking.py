"""Short conversations with a shop: requests out, responses in, one after the other.

A conversation is a generator: it yields a request and is sent the response. Whoever performs the
requests (``stockfold.runtime.shop_http``) knows nothing of what they mean.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from stockfold.channels import statuses
from stockfold.channels.port import (
    Failure,
    Purpose,
    Request,
    Response,
    Trouble,
    TroubleKind,
)
from stockfold.channels.woocommerce import answers
from stockfold.domain.errors import UnavailableError

T = TypeVar("T")
Conversation = Generator[Request, Response | Failure, T]
ROOT = "/wp-json/wc/v3/"
NO_ORDER = (
    "woocommerce_rest_shop_order_invalid_id",
    "woocommerce_rest_shop_orderinvalid_id",
    "woocommerce_rest_order_invalid_id",
)
"""What the shop says of an order that it does not know."""
REMEDY = "See the channel's url, key and secret; the key needs permission to read and write."


class NotServedError(UnavailableError):
    """The shop did not do what was asked; ``trouble`` says why and when to ask again."""

    def __init__(self, request: Request, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(
            f"the shop did not serve {request.method} {request.path}: {trouble.detail}",
            where=trouble.code,
            remedy=REMEDY,
        )


class NotThereError(NotServedError):
    """The shop has nothing by that id, and says so itself."""


def get(path: str, *params: tuple[str, str]) -> Request:
    """A question; ``path`` is below the root of the REST API."""
    return Request(Purpose.LOOK_UP, "GET", ROOT + path, (), params)


def send(method: str, path: str, body: Any) -> Request:
    """A change."""
    return Request(Purpose.WRITE, method, ROOT + path, (), json=body)


def read(request: Request, answer: Response | Failure, missing: tuple[str, ...] = ()) -> Any:
    """The JSON of an answer; NotServedError for anything but success.

    ``missing`` are WooCommerce's codes for what is not there, which become NotThereError. A 404
    without one of them is a firewall's or a wrong address, and proves nothing.
    """
    if isinstance(answer, Failure):
        told: Trouble | None = statuses.failed(answer)
    elif 200 <= answer.status < 300:
        try:
            return statuses.decoded(answer.body)
        except statuses.NotJsonError:
            told = answers.not_understood(request, answer).trouble
    else:
        code, message = answers.code_and_message(answer.body)
        if code and code in missing:
            raise NotThereError(request, _trouble(f"HTTP {answer.status}: {message}", code))
        told = answers.refused_as_a_whole(request, answer).trouble or _trouble(
            f"HTTP {answer.status}: {message}", code
        )
    assert told is not None, "what did not succeed has a reason"
    raise NotServedError(request, told)


def not_understood(request: Request, answer: Response | Failure) -> NotServedError:
    """A success whose JSON is not what was asked for."""
    assert isinstance(answer, Response)
    trouble = answers.not_understood(request, answer).trouble
    assert trouble is not None
    return NotServedError(request, trouble)


def _trouble(detail: str, code: str) -> Trouble:
    return Trouble(TroubleKind.UNAVAILABLE, code, detail)
