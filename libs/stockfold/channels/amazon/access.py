"""What every request to the Selling Partner API has in common: the token, and the budgets.

Login with Amazon hands out access tokens of an hour for a refresh token that the seller has granted
to the application. Requests are not signed: that was dropped in October 2023.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stockfold.channels.amazon import answers
from stockfold.channels.amazon.operations import Budgets, operation_of
from stockfold.channels.oauth2 import Endpoint, Renewed, Tokens, refresh_token
from stockfold.channels.port import Answer, Charge, Request, Response

CREDENTIALS = ("client_id", "client_secret", "refresh_token")


class AmazonAccess(Renewed):
    """The part of an adapter that is ``Renewing`` and ``Metered``."""

    def __init__(
        self, url: str, seller: str, token_url: str, credential: Callable[[str], str]
    ) -> None:
        endpoint = Endpoint(url=token_url, in_form=True)
        self._tokens = Tokens(refresh_token(endpoint, credential))
        self._budgets = Budgets(url, seller)

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``."""
        return self._budgets.charges(request)

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``. A presigned address gets nothing of ours."""
        del now_s, nonce
        if request.url:
            return request
        headers = (*request.headers, ("x-amz-access-token", self._tokens.token))
        return msgspec.structs.replace(request, headers=headers)

    def _refused(self, request: Request, response: Response) -> Answer:
        """Of an answer that is no success: the token is renewed before anybody is called."""
        if answers.is_access(response) and self._tokens.forget():
            return Answer()
        operation = operation_of(request)
        assert operation is not None
        answer = answers.refused(request, response, self._budgets.per_s(operation))
        if response.status == 429:
            levels = ((self._budgets.bucket(operation), 0.0),)
            return msgspec.structs.replace(answer, levels=levels)
        return answer
