"""The page about eBay shows settings that hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from stockfold.channels.ebay.adapter import Ebay
from stockfold.channels.ebay.options import EbayOptions
from stockfold.domain.errors import SettingsError
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.settings import Settings

PAGE = Path(__file__).parents[2] / "infra" / "docs" / "channel-ebay.md"


def shown() -> Settings:
    """All examples of the page together, as one would write them below each other."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return Settings.model_validate(tomllib.loads("\n".join(blocks)))


def test_its_examples_are_settings_of_one_channel() -> None:
    (channel,) = shown().channels
    assert channel.name == "ebay-de"
    assert channel.inventory_check.user == "ebay"
    assert channel.inventory_check.within_ms == 400


def test_an_adapter_is_made_of_them_once_the_secrets_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (channel,) = shown().channels
    with pytest.raises(SettingsError, match="EBAY_CLIENT_ID"):
        adapter_of(channel)
    for name in ("EBAY_CLIENT_ID", "EBAY_REFRESH_TOKEN"):
        monkeypatch.setenv(name, "a secret of eBay's")
    secrets = {**channel.credentials, "client_secret": channel.credentials["client_id"]}
    ready = channel.model_copy(update={"credentials": secrets})
    assert isinstance(adapter_of(ready), Ebay)


def test_every_option_has_a_description() -> None:
    missing = [name for name, field in EbayOptions.model_fields.items() if not field.description]
    assert missing == []
