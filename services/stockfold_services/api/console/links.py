"""Addresses of the console's pages, whatever a SKU, an order or a channel is called."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def _fits_path(name: str) -> bool:
    """Browsers take dots for folders, percent-encoded too; and no route matches a new line."""
    return name not in (".", "..") and "\n" not in name


def sku(name: str) -> str:
    """The page of a SKU."""
    if not _fits_path(name):
        return "/console/skus?" + urlencode({"name": name})
    return f"/console/skus/{quote(name, safe='')}"


def order(channel: str, name: str) -> str:
    """The page of an order."""
    if not (_fits_path(channel) and _fits_path(name)) or "/" in channel:
        return "/console/orders?" + urlencode({"channel": channel, "name": name})
    return f"/console/orders/{quote(channel, safe='')}/{quote(name, safe='')}"


def channel(name: str) -> str:
    """The page of a channel."""
    return f"/console/channels/{quote(name, safe='')}"


def trace(correlation_id: str) -> str:
    """What happened under a correlation id."""
    return f"/console/trace/{quote(correlation_id, safe='')}"


def exception(identity: str) -> str:
    """The desk's page of an exception, which is named partition-offset."""
    return f"/console/exceptions/{quote(identity, safe='')}"


def runbook(name: str) -> str:
    """The page that tells how something is mended."""
    return f"/console/runbooks/{quote(name, safe='')}"


def page(path: str, **asked: object) -> str:
    """A page with its questions; those that are None or empty are left out."""
    given = {name: str(value) for name, value in asked.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path
