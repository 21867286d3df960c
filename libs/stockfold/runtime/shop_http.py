"""The HTTP client of a channel connection: requests out, responses or failures back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx

from stockfold.channels import Failure, Metered, Request, Response
from stockfold.channels.shopify.asking import ShopifyAccess
from stockfold.channels.statuses import NEVER_SENT
from stockfold.channels.woocommerce import WooCommerce
from stockfold.channels.woocommerce.terms import StockTerms
from stockfold.runtime.channel_kinds import SHOPIFY, WOOCOMMERCE
from stockfold.runtime.clock import Clock
from stockfold.runtime.rate_budgets import Budget, Budgets
from stockfold.runtime.redaction import redacted, redacted_bytes
from stockfold.runtime.secret import is_loopback_url
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_addresses import Addresses, ForbiddenAddressError, told_address
from stockfold.runtime.shop_credentials import Credentials
from stockfold.runtime.shop_orders import terms_of

BODY_BYTES_MAX = 32 * 1024 * 1024
"""A hundred products with long descriptions are about 5 MB; more than this is not their answer."""
NONCE_BYTES = 16
BUDGET_WAIT_S_MAX = 10.0
"""A request waits here for no longer: whoever makes it asks ``wait_s`` before."""


T = TypeVar("T")


class _NotOursError(Exception):
    """It may not be sent any more."""


class Authorizer(Protocol):
    """What a transport needs of an adapter."""

    requests_in_flight_max: int

    def authorize(self, request: Request, now_s: int, nonce: str) -> Request:
        """See ``Adapter.authorize``."""
        ...


def woocommerce(channel: ChannelSettings) -> WooCommerce:
    """The adapter of a WooCommerce channel; SettingsError when a secret is missing."""
    return WooCommerce(
        channel.url,
        channel.credential("consumer_key"),
        channel.credential("consumer_secret"),
        StockTerms(**channel.stock.model_dump()),
        terms_of(channel),
    )


def can_be_asked(channel: ChannelSettings) -> bool:
    """Whether we have what it takes to ask a shop for its orders."""
    return channel.kind == WOOCOMMERCE or channel.orders.access_token is not None


def access_of(channel: ChannelSettings) -> Authorizer:
    """What signs the requests to a shop; SettingsError when a secret is missing."""
    token = channel.orders.access_token
    if channel.kind == SHOPIFY and token is not None:
        return ShopifyAccess(token.resolve())
    return woocommerce(channel)


class Transport:
    """Performs an adapter's requests. A context that closes its connections.

    ``may_send`` is asked right before the first byte of a request: connecting may take its time.
    ``wire`` carries the requests instead of a network.
    ``budget`` is what a ``Metered`` adapter's requests come from, its own where none is given.
    """

    def __init__(
        self,
        channel: ChannelSettings,
        adapter: Authorizer,
        clock: Clock,
        *,
        may_send: Callable[[], bool] = lambda: True,
        wire: httpx.AsyncBaseTransport | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._may_send = may_send
        self._channel = channel
        self._addresses = Addresses(channel)
        self._clock = clock
        self._budget = budget or Budgets(clock).of(channel.name)
        self.use(adapter)
        self._client = self._client_of(adapter, wire, channel.url)
        # Apart: where the channel tells us to go gets neither its cookies nor our credentials.
        self._elsewhere = self._client_of(adapter, wire)

    def use(self, adapter: Authorizer) -> None:
        """Perform the requests of this adapter from now on. None of the last one is under way."""
        self._adapter = adapter
        self._metered = adapter if isinstance(adapter, Metered) else None
        self._credentials = Credentials(adapter, self._send_as_it_is, self._clock)

    def _client_of(
        self, adapter: Authorizer, wire: httpx.AsyncBaseTransport | None, base_url: str = ""
    ) -> httpx.AsyncClient:
        channel = self._channel
        return httpx.AsyncClient(
            base_url=base_url,
            verify=channel.verify_tls,
            timeout=httpx.Timeout(channel.request_timeout_s, connect=channel.connect_timeout_s),
            limits=httpx.Limits(
                max_connections=max(adapter.requests_in_flight_max, channel.pace.in_flight_max)
            ),
            headers={"user-agent": "stockfold", "accept": "application/json"},
            # A proxy of the environment has no business with a shop on this machine.
            trust_env=not is_loopback_url(channel.url),
            transport=wire,
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        await self._elsewhere.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._elsewhere.__aexit__(kind, error, trace)
        await self._client.__aexit__(kind, error, trace)

    async def converse(self, conversation: Generator[Request, Response | Failure, T]) -> T:
        """Hold a conversation (``stockfold.channels.woocommerce.asking``), and what it came to."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self.perform(request))
        except StopIteration as ended:
            result: T = ended.value
            return result

    def wait_s(self, request: Request) -> float:
        """How long the account's budget would have a request wait, in seconds."""
        return 0.0 if self._metered is None else self._budget.wait_s(self._metered.charges(request))

    def told(self, levels: Iterable[tuple[str, float]]) -> None:
        """The channel says how much is left of budgets, as (bucket, tokens)."""
        self._budget.told(levels)

    async def perform(self, request: Request) -> Response | Failure:
        """Sign and send a request, once the account's budget allows it.

        What goes wrong on the way comes back as a Failure.
        """
        if self._metered is None:
            return await self._signed_and_sent(request)
        taken = self._budget.take(self._metered.charges(request))
        sent = True  # When it is cancelled, for all we know.
        try:
            answer = await self._after(taken.wait_s, request)
            sent = not (isinstance(answer, Failure) and answer.code in NEVER_SENT)
        finally:
            self._budget.landed(taken, sent=sent)
        return answer

    async def _after(self, wait_s: float, request: Request) -> Response | Failure:
        if wait_s > BUDGET_WAIT_S_MAX:
            return Failure("connect", f"the account's rate budget is used up for {wait_s:.0f} s")
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        return await self._signed_and_sent(request)

    async def _signed_and_sent(self, request: Request) -> Response | Failure:
        if request.url:
            return await self._send_as_it_is(request)
        failure = await self._credentials.fresh()
        if failure is not None:
            return failure
        now_s = self._clock.now_us() // 1_000_000
        signed = self._adapter.authorize(request, now_s, secrets.token_hex(NONCE_BYTES))
        self._credentials.remember(signed)
        return await self._sent(self._client, signed, self._addresses)

    async def _send_as_it_is(self, request: Request) -> Response | Failure:
        """Without credentials of ours, and to wherever it says, if a shop may be there."""
        if not request.url:
            return await self._sent(self._client, request, self._addresses)
        try:
            addresses = told_address(self._channel, request.url)
        except ForbiddenAddressError as error:
            return Failure("connect", str(error))
        return await self._sent(self._elsewhere, request, addresses)

    async def _sent(
        self, client: httpx.AsyncClient, request: Request, addresses: Addresses
    ) -> Response | Failure:
        async def ask(event: str, told: Any) -> None:
            if event == "connection.connect_tcp.complete":
                await addresses.check(told["return_value"])
            if event.endswith(".send_request_headers.started") and not self._may_send():
                raise _NotOursError

        try:
            outgoing = client.build_request(
                request.method,
                request.url or request.path,
                params=request.params or None,
                json=request.json,
                content=request.body,
                headers=dict(request.headers),
                extensions={"trace": ask},
            )
            return await self._exchange(client, outgoing)
        except _NotOursError:
            return Failure("connect", "not sent: another process may serve the channel by now")
        except ForbiddenAddressError as error:
            return Failure("connect", str(error))
        except httpx.InvalidURL as error:
            return Failure("connect", f"no address: {error}")
        except httpx.ConnectError as error:
            return Failure("connect", f"no connection to {addresses.place}: {error}")
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            return Failure("connect", f"no connection to {addresses.place} in time")
        except httpx.TimeoutException:
            return Failure("timeout", "no answer in time; it may have been done or not")
        except httpx.HTTPError as error:
            return Failure("broken", redacted(f"{type(error).__name__}: {error}"))

    async def _exchange(
        self, client: httpx.AsyncClient, outgoing: httpx.Request
    ) -> Response | Failure:
        response = await client.send(outgoing, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    return Failure("too_large", f"the answer exceeds {BODY_BYTES_MAX} bytes")
        finally:
            await response.aclose()
        if response.status_code >= 400:
            # Shops quote in their errors what they were asked with, and errors are kept and shown.
            body = bytearray(redacted_bytes(bytes(body)))
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, headers, bytes(body))
