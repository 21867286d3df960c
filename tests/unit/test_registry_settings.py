"""Which registry the settings ask for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.schema_registry import FakeSchemaRegistry, served

from stockfold.contracts.joined_registry import JoinedRegistry
from stockfold.contracts.registry import default_registry
from stockfold.domain.errors import SettingsError
from stockfold.runtime.registry import open_registry, open_remote
from stockfold.runtime.settings import Settings

NAME = "stockfold.GoodsReceived"


def test_without_a_url_the_lock_file_is_the_registry() -> None:
    assert open_registry(Settings()) is default_registry()
    with pytest.raises(SettingsError, match="no schema registry is set"):
        open_remote(Settings())


def test_with_a_url_the_registry_is_asked_with_its_credentials() -> None:
    fake = FakeSchemaRegistry(first_id=4711)
    number = fake.add(default_registry().by_name(NAME).definition)
    fake.credentials = "Basic dTpw"
    with served(fake) as url:
        settings = Settings(registry={"url": f"{url}/", "user": "u", "password": "p"})
        registry = open_registry(settings)
        assert isinstance(registry, JoinedRegistry)
        assert registry.by_id(number).name == NAME
    assert fake.requests == [f"GET /schemas/ids/{number}"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"url": "ftp://registry"}, "is not an http or https address"),
        ({"url": "http://u:p@registry"}, "must not carry a user or password"),
        ({"url": "http://registry", "user": "u"}, "belong together"),
        ({"url": "https://registry", "user": "u", "password": "plain"}, "plain text"),
        ({"request_timeout_s": 0}, "greater than 0"),
    ],
)
def test_a_registry_that_cannot_be_meant_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(registry=section)
