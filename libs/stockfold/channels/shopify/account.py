"""An app's account with a shop: its access token, and the points that its requests cost.

Points belong to an app in a shop: every connection of it draws on the same bucket, which fills at a
constant rate. Each answer tells how much there is and what the request was taken to cost.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from stockfold.channels.kinds import Terms
from stockfold.channels.oauth2 import Endpoint, Tokens, client_credentials
from stockfold.channels.port import Charge, Failure, Purpose, Request, Response, Trouble
from stockfold.channels.shopify import asking, stock, writes
from stockfold.channels.shopify.terms import ShopifyOptions

TOKEN = Endpoint("/admin/oauth/access_token", in_form=True)


class Account:
    """With ``client_id``, tokens are fetched before they end; else the secret is one, without end.

    ``locations`` is how many levels a question asks for with each item.
    """

    def __init__(self, terms: Terms, options: ShopifyOptions, locations: int) -> None:
        self._client_id = options.client_id
        self._credential = terms.credential
        self._locations = locations
        self._tokens = Tokens(client_credentials(TOKEN, self._client))
        self._bucket = f"shopify {urlsplit(terms.url).hostname} {options.client_id or 'app'}"
        self._per_s, self._burst = options.points_per_s, options.points_max
        self._told: dict[tuple[str, int], float] = {}

    def _client(self, name: str) -> str:
        return self._client_id if name == "client_id" else self._credential("secret")

    def authorize(self, request: Request) -> Request:
        """The request with the token of now."""
        token = self._tokens.token if self._client_id else self._credential("secret")
        headers = (*request.headers, ("x-shopify-access-token", token))
        return msgspec.structs.replace(request, headers=headers)

    def renewal(self, now_s: int) -> Request | None:
        """See ``Renewing.renewal``."""
        return self._tokens.renewal(now_s) if self._client_id else None

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        """See ``Renewing.renewed``."""
        return self._tokens.renewed(answer, now_s)

    def is_known(self) -> None:
        """A request was served."""
        self._tokens.taken()

    def forget_token(self) -> bool:
        """The shop does not take it; False when a new one won't help."""
        return bool(self._client_id) and self._tokens.forget()

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``: what such a request was said to cost, or at most can."""
        told = self._told.get(_shape(request))
        if told is None:
            is_write = request.purpose is Purpose.WRITE
            told = writes.COST if is_write else stock.cost(request, self._locations)
        return (Charge(self._bucket, self._per_s, self._burst, min(told, self._burst)),)

    def learn(self, request: Request, response: Response) -> tuple[tuple[str, float], ...]:
        """See ``Answer.levels``: what an answer tells of the bucket."""
        told = asking.cost_of(response)
        if told.asked is not None:
            self._told[_shape(request)] = told.asked
        self._per_s = told.per_s or self._per_s
        self._burst = told.most or self._burst
        return () if told.left is None else ((self._bucket, told.left),)


def _shape(request: Request) -> tuple[str, int]:
    """Requests of one shape cost the same."""
    asked = request.json["variables"]
    rows = asked["first"] if "first" in asked else len(asked.get("ids", ()))
    return request.json["operationName"], rows
