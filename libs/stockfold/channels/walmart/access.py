"""Who we are, in the headers of every request.

The access token comes by client credentials and lives 15 minutes. Each call has a correlation id of
its own, by which Walmart's support finds it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec

from stockfold.channels import oauth2
from stockfold.channels.port import Request
from stockfold.channels.walmart.options import WalmartOptions

TOKEN = "wm_sec.access_token"  # noqa: S105 - a header's name
CORRELATION = "wm_qos.correlation_id"
_SPACE = uuid.UUID("7c0e4b4e-5c0b-5d1f-9c2b-0d9a3a1f6b51")


def correlation_id(nonce: str) -> str:
    """A UUID that is a nonce's own."""
    return str(uuid.uuid5(_SPACE, nonce))


class Access:
    """Signs requests with the token at hand, and asks for new ones."""

    def __init__(self, options: WalmartOptions, credential: Callable[[str], str]) -> None:
        given = (
            ("wm_svc.name", options.service_name),
            ("wm_market", options.market),
            ("wm_global_version", options.global_version),
            ("wm_consumer.channel.type", options.channel_type),
        )
        self._headers = tuple((name, value) for name, value in given if value)
        endpoint = oauth2.Endpoint(f"{options.base_path}/token", headers=self._headers)
        self.tokens = oauth2.Tokens(oauth2.client_credentials(endpoint, credential))
        self._seller = options.seller
        self._asked = 0

    def renewal(self, now_s: int) -> Request | None:
        """See ``Renewing.renewal``."""
        request = self.tokens.renewal(now_s)
        if request is None:
            return None
        self._asked += 1
        unique = correlation_id(f"token of {self._seller} at {now_s}, number {self._asked}")
        headers = (*request.headers, (CORRELATION, unique))
        return msgspec.structs.replace(request, headers=headers)

    def sign(self, request: Request, nonce: str) -> Request:
        """The request with token and correlation id. A feed has its content type already."""
        headers = (
            *request.headers,
            *self._headers,
            ("accept", "application/json"),
            (CORRELATION, correlation_id(nonce)),
            (TOKEN, self.tokens.token),
        )
        return msgspec.structs.replace(request, headers=headers)
