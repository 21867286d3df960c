"""ERPs that orders are handed on to: a folder of JSON files, or an HTTP interface."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from stockfold.domain.errors import ContractError, SettingsError, UnavailableError
from stockfold.orders.sink import Document, Found, OrderSink
from stockfold.runtime.settings import ErpSettings

NAME_CHARACTERS_MAX = 200
_TRANSIENT = frozenset({408, 425, 429})


class FileSink:
    """One JSON file per order, whole or not there; for an ERP that collects files from a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, channel: str, order: str) -> Found | None:
        """See ``OrderSink.find``."""
        path = self._path(channel, order)
        try:
            known = msgspec.json.decode(path.read_bytes(), type=Document)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ContractError(
                "erp_refused",
                f"{path} is no order: {error}",
                remedy="Move it out of the way; the order is written anew.",
            ) from error
        except OSError as error:
            raise _unreachable(str(path), error) from error
        return Found(str(path), known.version)

    def create(self, document: Document) -> None:
        """See ``OrderSink.create``."""
        path = self._path(document.channel, document.order)
        beside = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(msgspec.json.encode(document))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError as error:
            raise _unreachable(str(path), error) from error

    def update(self, found: Found, document: Document) -> None:
        """See ``OrderSink.update``."""
        del found
        self.create(document)

    def close(self) -> None:
        """See ``OrderSink.close``: there is nothing to let go of."""

    def _path(self, channel: str, order: str) -> Path:
        return self._folder / _name(channel) / f"{_name(order)}.json"


def _name(told: str) -> str:
    """A file's name that leads nowhere else and that every disk takes, whatever was told."""
    name = quote(told, safe="")
    if not name.strip("."):
        name = name.replace(".", "%2E")
    if len(name) <= NAME_CHARACTERS_MAX:
        return name
    return f"{name[:100]}~{hashlib.sha256(told.encode()).hexdigest()}"


class HttpSink:
    """An HTTP interface. GET ``/orders?channel=&order=`` answers a list of {id, version}, POST
    ``/orders`` makes one, PUT ``/orders/ID`` replaces one.

    The Idempotency-Key of POST is ``channel/order``, percent-encoded: an ERP that heeds it makes
    one order even where the first request is still under way while it is looked for.
    """

    def __init__(self, settings: ErpSettings, transport: httpx.BaseTransport | None = None) -> None:
        headers = {}
        if settings.token is not None:
            headers["Authorization"] = f"Bearer {settings.token.resolve()}"
        self._url = str(settings.url).rstrip("/")
        self._client = httpx.Client(
            headers=headers,
            timeout=settings.request_timeout_s,
            transport=transport,
            verify=settings.verify_tls,
        )

    def find(self, channel: str, order: str) -> Found | None:
        """See ``OrderSink.find``. ContractError when the ERP has several."""
        answer = self._ask("GET", "/orders", params={"channel": channel, "order": order})
        try:
            found = msgspec.json.decode(answer.content, type=list[Found])
        except msgspec.DecodeError as error:
            raise self._refused(f"the answer is no list of orders: {error}") from error
        if len(found) > 1:
            raise self._refused(f"it has {len(found)} orders {order!r} of {channel}")
        return found[0] if found else None

    def create(self, document: Document) -> None:
        """See ``OrderSink.create``."""
        key = {"Idempotency-Key": quote(document.reference, safe="/")}
        self._ask("POST", "/orders", content=msgspec.json.encode(document), headers=key)

    def update(self, found: Found, document: Document) -> None:
        """See ``OrderSink.update``."""
        path = f"/orders/{quote(found.id, safe='')}"
        self._ask("PUT", path, content=msgspec.json.encode(document))

    def close(self) -> None:
        """See ``OrderSink.close``."""
        self._client.close()

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        try:
            answer = self._client.request(method, self._url + path, headers=headers, **more)
        except httpx.TransportError as error:
            raise _unreachable(self._url, error) from error
        if answer.status_code >= 500 or answer.status_code in _TRANSIENT:
            raise UnavailableError(
                f"the ERP answered {answer.status_code}", where=self._url, remedy="It is retried."
            )
        if not answer.is_success:
            raise self._refused(f"it answered {answer.status_code}: {answer.text[:200]}")
        return answer

    def _refused(self, what: str) -> ContractError:
        return ContractError(
            "erp_refused",
            f"the ERP refuses an order: {what}",
            where=self._url,
            remedy="Mend it in the ERP; the order's next change is handed on again.",
        )


def _unreachable(where: str, error: Exception) -> UnavailableError:
    return UnavailableError(
        f"the ERP was not reached: {type(error).__name__} {error}",
        where=where,
        remedy="Check it; nothing is lost, and it is tried again by itself.",
    )


def open_sink(settings: ErpSettings) -> OrderSink | None:
    """The sink of the settings, or None. SettingsError when it lacks its folder or address."""
    match settings.kind:
        case "none":
            return None
        case "file" if settings.folder is not None:
            return FileSink(settings.folder)
        case "http" if settings.url is not None:
            return HttpSink(settings)
        case _:
            raise SettingsError(
                f"erp.kind is {settings.kind}, without its place",
                where="erp",
                remedy="Set erp.folder for files, erp.url for http.",
            )
