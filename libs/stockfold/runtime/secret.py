"""Secrets by reference: settings name where a secret is, never what it is."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from stockfold.domain.errors import SettingsError
from stockfold.runtime import redaction

ENV = "env:"
FILE = "file:"
SECRET_BYTES_MAX = 65_536


class SecretRef:
    """Where a secret is: ``env:NAME`` or ``file:/path``.

    Any other text is the secret itself (``is_plain``), which the settings accept only for a
    server on this machine. The text of a plain one never shows in messages, logs or ``repr``.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @property
    def is_plain(self) -> bool:
        """True when the text is the secret itself."""
        return not self._text.startswith((ENV, FILE))

    @property
    def reference(self) -> str:
        """The reference, fit to be shown; a plain secret is masked."""
        return "(plain, hidden)" if self.is_plain else self._text

    def resolve(self) -> str:
        """The secret, which no log shows from now on. SettingsError when it is not there."""
        secret = self._text
        if secret.startswith(ENV):
            secret = self._from_environment(secret.removeprefix(ENV))
        elif secret.startswith(FILE):
            secret = self._from_file(Path(secret.removeprefix(FILE)).expanduser())
        redaction.remember(secret)
        return secret

    @staticmethod
    def _from_environment(name: str) -> str:
        value = os.environ.get(name, "")
        if not value:
            raise SettingsError(
                f"the environment variable {name} is not set",
                where=f"secret {ENV}{name}",
                remedy=f"Set {name}, or refer to the secret by {FILE}/path.",
            )
        return value

    @staticmethod
    def _from_file(path: Path) -> str:
        try:
            with path.open("rb") as source:
                secret = source.read(SECRET_BYTES_MAX).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"the secret's file cannot be read: {error}",
                where=f"secret {FILE}{path}",
                remedy="Write the secret there as UTF-8 text, readable by this user.",
            ) from error
        if not secret:
            raise SettingsError(
                "the secret's file is empty",
                where=f"secret {FILE}{path}",
                remedy="Write the secret there as UTF-8 text.",
            )
        return secret

    def __repr__(self) -> str:
        return f"SecretRef({self.reference!r})"

    def __str__(self) -> str:
        return self.reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretRef) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from_text = core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(min_length=1)
        )
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema(
                [core_schema.is_instance_schema(cls), from_text]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _serialized, info_arg=True
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "description": "env:NAME or file:/path"}


def _serialized(secret: SecretRef, info: core_schema.SerializationInfo[Any]) -> str:
    """The reference; a plain secret's own text only when the context asks for it, by name."""
    if isinstance(info.context, dict) and info.context.get("reveal_plain_secrets"):
        return secret.resolve() if secret.is_plain else secret.reference
    return secret.reference


def is_loopback_host(host: str | None) -> bool:
    """True for a name or address of this machine."""
    if host in ("localhost", "localhost."):
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """True when a URL points at this machine, or at a Unix socket (``?host=/path``)."""
    parts = urlsplit(url)
    hosts = parse_qs(parts.query).get("host") or [parts.hostname or ""]
    return all(host.startswith("/") or is_loopback_host(host) for host in hosts)
