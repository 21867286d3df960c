"""The page about Walmart shows settings that hold, and options that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from stockfold.channels.walmart.adapter import Walmart
from stockfold.channels.walmart.options import WalmartOptions
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy_file import from_settings

PAGE = (Path(__file__).parents[2] / "infra" / "docs" / "channel-walmart.md").read_text("utf-8")


def shown() -> Settings:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    return Settings.model_validate(tomllib.loads(block))


def test_its_example_is_a_channel_with_a_gross_policy_per_location() -> None:
    (policy,) = from_settings(shown())
    assert (policy.channel, policy.basis, policy.per_location) == ("walmart-us", "gross", True)


def test_an_adapter_is_made_of_it_once_the_secrets_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (channel,) = shown().channels
    monkeypatch.setenv("WALMART_CLIENT_ID", "a secret of Walmart's")
    secrets = dict.fromkeys(channel.credentials, channel.credentials["client_id"])
    assert isinstance(adapter_of(channel.model_copy(update={"credentials": secrets})), Walmart)


def test_every_option_of_its_table_is_there() -> None:
    rows = re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall("`(.+?)`", row)}
    assert len(named) == 10
    assert named <= WalmartOptions.model_fields.keys()


def test_every_option_has_a_description() -> None:
    missing = [name for name, field in WalmartOptions.model_fields.items() if not field.description]
    assert missing == []
