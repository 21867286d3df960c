"""What a channel's settings must say for its kind (``stockfold.channels.kinds``).

Every function raises ValueError with a text for people, which begins with the setting's name and
never holds a value that may be a secret.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from stockfold.channels.kinds import ChannelKind, kind_of
from stockfold.domain.errors import SettingsError

WOOCOMMERCE = "woocommerce"
"""The one kind whose catalogue we can read as a whole, and whose credentials have own settings."""
SHOPIFY = "shopify"
"""Without credentials its orders alone are taken, so it need not be installed."""
ORDER_KINDS = (WOOCOMMERCE, SHOPIFY)
"""The kinds whose orders are read, from webhooks or by asking."""


def known_kind(name: str) -> ChannelKind:
    """The installed kind."""
    try:
        return kind_of(name)
    except SettingsError as error:
        raise ValueError(f"kind: {error.what}. {error.remedy}") from error


def options_of(kind: ChannelKind, given: Mapping[str, Any]) -> BaseModel:
    """``options`` as the kind's own model."""
    try:
        return kind.options.model_validate(dict(given))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise ValueError("; ".join(_said(problem) for problem in problems)) from None


def _said(problem: Any) -> str:
    name = ".".join(str(part) for part in ("options", *problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return f"{name}: there is no such option"
    return f"{name}: {problem['msg'].removeprefix('Value error, ')}"


def check_credentials(kind: ChannelKind, given: Collection[str]) -> None:
    """Each that the kind needs is given, and no other."""
    missing = [name for name in kind.credentials if name not in given]
    if missing:
        raise ValueError(f"credentials: {' and '.join(missing)} must be set for {kind.name}")
    unknown = sorted(set(given) - set(kind.credentials))
    if unknown:
        wanted = ", ".join(kind.credentials) or "none"
        raise ValueError(
            f"credentials: {kind.name} has no {' and no '.join(unknown)}; it takes {wanted}"
        )


def check_location_names(kind: ChannelKind, names: Mapping[str, str]) -> None:
    """Only where the channel has locations, and each of its own for one of ours."""
    if names and not kind.per_location:
        raise ValueError(f"location_names: {kind.name} is not told locations apart")
    theirs = list(names.values())
    twice = sorted({name for name in theirs if theirs.count(name) > 1})
    if twice:
        raise ValueError(
            f"location_names: {', '.join(twice)} stands for more than one location, and would show "
            "the units of one of them"
        )
