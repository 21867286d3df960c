"""The HTTP client of a channel connection: requests out, responses or failures back."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx

from stockfold.channels import Failure, Request, Response
from stockfold.channels.shopify.asking import ShopifyAccess
from stockfold.channels.woocommerce import WooCommerce
from stockfold.channels.woocommerce.terms import StockTerms
from stockfold.runtime.channel_kinds import SHOPIFY, WOOCOMMERCE
from stockfold.runtime.clock import Clock
from stockfold.runtime.redaction import redacted, redacted_bytes
from stockfold.runtime.secret import is_loopback_url
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_addresses import Addresses, ForbiddenAddressError
from stockfold.runtime.shop_orders import terms_of

BODY_BYTES_MAX = 32 * 1024 * 1024
"""A hundred products with long descriptions are about 5 MB; more than this is not their answer."""
NONCE_BYTES = 16


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
    """

    def __init__(
        self,
        channel: ChannelSettings,
        adapter: Authorizer,
        clock: Clock,
        *,
        may_send: Callable[[], bool] = lambda: True,
        wire: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._may_send = may_send
        self._addresses = Addresses(channel)
        self._adapter = adapter
        self._clock = clock
        self._client = httpx.AsyncClient(
            base_url=channel.url,
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
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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

    async def perform(self, request: Request) -> Response | Failure:
        """Sign and send a request. What goes wrong on the way comes back as a Failure."""
        now_s = self._clock.now_us() // 1_000_000
        signed = self._adapter.authorize(request, now_s, secrets.token_hex(NONCE_BYTES))
        outgoing = self._client.build_request(
            signed.method,
            signed.path,
            params=signed.params or None,
            json=signed.json,
            headers=dict(signed.headers),
            extensions={"trace": self._ask},
        )
        try:
            return await self._exchange(outgoing)
        except _NotOursError:
            return Failure("connect", "not sent: another process may serve the channel by now")
        except ForbiddenAddressError as error:
            return Failure("connect", str(error))
        except httpx.ConnectError as error:
            return Failure("connect", f"no connection to {self._client.base_url}: {error}")
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            return Failure("connect", f"no connection to {self._client.base_url} in time")
        except httpx.TimeoutException:
            return Failure("timeout", "no answer in time; it may have been done or not")
        except httpx.HTTPError as error:
            return Failure("broken", redacted(f"{type(error).__name__}: {error}"))

    async def _ask(self, event: str, told: Any) -> None:
        if event == "connection.connect_tcp.complete":
            await self._addresses.check(told["return_value"])
        if event.endswith(".send_request_headers.started") and not self._may_send():
            raise _NotOursError

    async def _exchange(self, outgoing: httpx.Request) -> Response | Failure:
        response = await self._client.send(outgoing, stream=True)
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
