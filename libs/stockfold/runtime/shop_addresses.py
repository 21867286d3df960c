"""Where a channel's name may lead: to the internet, or to what its operator wrote out.

Whoever holds a shop's name can point it at a machine of ours (DNS rebinding), and what we send is
signed. The address is checked on the connection itself, before its first byte: what a look-up said
a moment before proves nothing.
"""

from __future__ import annotations

import ipaddress
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from stockfold.runtime.secret import is_loopback_url
from stockfold.runtime.settings import ChannelSettings

_SHARED = ipaddress.ip_network("100.64.0.0/10")


class ForbiddenAddressError(Exception):
    """A shop's name leads where it may not."""


class Stream(Protocol):
    """A connection that was just made."""

    def get_extra_info(self, info: str) -> object:
        """See httpcore."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...


class Addresses:
    """Checks the connections of one channel; with ``url``, those to where it has told us to go."""

    def __init__(self, channel: ChannelSettings, url: str = "") -> None:
        is_here = is_loopback_url(channel.url)
        place = url or channel.url
        host = urlsplit(place).hostname or ""
        self._name = host
        self.place = urlsplit(place)._replace(path="", query="", fragment="").geturl()
        """Whom it is about, for messages: no path and no query, which may be signed."""
        # What a channel of this machine says may be of this machine too; no other's may.
        self._written = is_here or (not url and _is_address(host))
        self._private = channel.private_network
        # A proxy of the operator's looks the name up itself, and says where it may lead.
        self._by_proxy = not is_here and _goes_by_proxy(place)

    async def check(self, stream: Stream) -> None:
        """ForbiddenAddressError, and the connection closed, when it leads where it may not."""
        if self._by_proxy:
            return
        peer = stream.get_extra_info("server_addr")
        host = peer[0] if isinstance(peer, tuple) else ""
        why = forbidden(str(host), written=self._written, private=self._private)
        if why:
            await stream.aclose()
            raise ForbiddenAddressError(
                f"{self._name} leads to {host}, {why}; nothing was sent. Check its DNS, or set "
                "private_network for the channel if it is a shop of your own network"
            )


def forbidden(host: str, *, written: bool, private: bool) -> str:
    """Why nothing may be sent to an address; empty when it may."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "which is no address"
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return "where cloud machines keep their credentials, and no shop is"
    if written or address.is_global:
        return ""
    if address.is_loopback:
        return "this machine"
    is_own = address.is_private or (address.version == 4 and address in _SHARED)
    return "" if private and is_own else "a private address"


def told_address(channel: ChannelSettings, url: str) -> Addresses:
    """Checks the connections to an address that a channel has told us to load from, or to.

    ForbiddenAddressError for one that may not be asked at all: it is not https (a channel of this
    machine may name http), carries a user, or is a number where no shop is.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ForbiddenAddressError("the channel named what is no address") from None
    host, is_here = parts.hostname or "", is_loopback_url(channel.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
        raise ForbiddenAddressError(f"the channel named an address that is not https, at {host}")
    if not host or parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("the channel named an address without a host, or with a user")
    if _is_address(host):
        why = forbidden(host, written=is_here, private=channel.private_network)
        if why:
            raise ForbiddenAddressError(f"the channel named {host}, {why}; nothing was sent")
    return Addresses(channel, url)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _goes_by_proxy(url: str) -> bool:
    parts, proxies = urlsplit(url), getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(
        parts.hostname or ""
    )
