"""The page about Amazon shows settings that hold, and its options explain themselves."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.external_adapter import ExternalFulfillment
from stockfold.channels.amazon.options import AmazonOptions, ExternalOptions
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.settings import Settings

PAGE = Path(__file__).parents[2] / "infra" / "docs" / "channel-amazon.md"


def test_its_examples_are_settings_that_adapters_are_made_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    secret = tmp_path / "lwa"
    secret.write_text("a secret")
    for name in ("LWA_CLIENT_ID", "LWA_REFRESH_TOKEN"):
        monkeypatch.setenv(name, "a secret")
    told = tomllib.loads(block.replace("/run/secrets/lwa", str(secret)))
    made = [adapter_of(channel) for channel in Settings.model_validate(told).channels]
    assert [type(adapter) for adapter in made] == [Amazon, ExternalFulfillment]


@pytest.mark.parametrize("options", [AmazonOptions, ExternalOptions])
def test_every_option_says_what_it_is_for(options: type[AmazonOptions | ExternalOptions]) -> None:
    assert all(field.description for field in options.model_fields.values())
