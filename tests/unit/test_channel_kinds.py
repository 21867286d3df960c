"""Kinds of channels: which are installed, and what a channel's settings must say for its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.installed_kinds import install
from tests.support.tiny_channel import KIND, TinyAdapter

from stockfold.channels.kinds import installed, kind_of
from stockfold.channels.woocommerce.kind import KIND as WOOCOMMERCE
from stockfold.domain.errors import SettingsError
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.named_channel import published_channel
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.sources import explain, read, shown
from stockfold_services.publisher.main import limits_of

TINY = "tests.support.tiny_channel:KIND"
CHANNEL: dict[str, Any] = {
    "name": "tiny-de",
    "kind": "tiny",
    "url": "https://tiny.example",
    "credentials": {"client_secret": "env:TINY_SECRET"},
    "options": {"seller": "A1"},
}


def channel(**changed: Any) -> ChannelSettings:
    return ChannelSettings.model_validate(CHANNEL | changed)


def test_woocommerce_is_a_kind_like_any_other() -> None:
    assert kind_of("woocommerce") is WOOCOMMERCE
    assert WOOCOMMERCE.reads


@pytest.mark.usefixtures("tiny")
def test_a_package_that_is_installed_offers_its_kind() -> None:
    assert installed()["tiny"] is KIND
    adapter = adapter_of(channel())
    assert isinstance(adapter, TinyAdapter)
    assert adapter.options.seller == "A1"


def test_a_kind_that_no_package_offers_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(ValueError, match=r"kind 'tiny'. Installed are: .*woocommerce"):
        channel()


def test_a_kind_that_cannot_be_loaded_hinders_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, tmp_path, "stockfold_channel_torn", torn="tests.support.not_there:KIND")
    assert kind_of("woocommerce") is WOOCOMMERCE
    with pytest.raises(SettingsError, match=r"torn cannot be loaded: ModuleNotFoundError"):
        kind_of("torn")


def test_what_is_no_kind_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, "stockfold_channel_odd", odd=TINY)
    with pytest.raises(SettingsError, match="odd is no ChannelKind of that name"):
        kind_of("odd")


def test_two_packages_that_offer_one_kind_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, tmp_path / "a", "stockfold_channel_one", tiny=TINY)
    install(monkeypatch, tmp_path / "b", "stockfold_channel_two", tiny="json:loads")
    with pytest.raises(SettingsError, match="two packages offer the channel kind tiny"):
        kind_of("tiny")


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"options": {}}, r"options\.seller: Field required"),
        ({"options": {"seller": "A", "colour": 1}}, r"options\.colour: there is no such option"),
        ({"credentials": {}}, "credentials: client_secret must be set for tiny"),
        (
            {"credentials": {"client_secret": "env:A", "token": "env:B"}},
            "credentials: tiny has no token; it takes client_secret",
        ),
        ({"credentials": {"client_secret": "hush"}}, r"credentials\.client_secret: plain text"),
        ({"url": "http://tiny.example"}, "url: credentials are sent over https alone"),
        ({"location_names": {"B": "1", "C": "1"}}, "location_names: 1 stands for more than one"),
        ({"location_names": {"a|b": "1"}}, "not a name"),
        ({"orders": {"webhook_secret": "env:A"}}, r"orders\.webhook_secret: orders of tiny are"),
        ({"publishing": {"mode": "live"}}, r"publishing\.coverage: all that tiny lists"),
    ],
)
def test_settings_that_do_not_fit_the_kind_are_refused_by_name(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        channel(**changed)
    assert "hush" not in str(refused.value).partition("[type=")[0]


def test_a_shop_without_locations_is_told_none_apart() -> None:
    with pytest.raises(ValueError, match="location_names: woocommerce is not told"):
        ChannelSettings(
            name="web",
            kind="woocommerce",
            url="https://shop.example",
            consumer_key="env:A",
            consumer_secret="env:B",
            location_names={"B": "1"},
        )


@pytest.mark.usefixtures("tiny")
def test_a_kind_without_a_catalogue_goes_live_when_that_is_said() -> None:
    assert channel(publishing={"mode": "live", "coverage": "reported"}).is_published


def test_woocommerce_takes_its_keys_as_any_kind_takes_credentials() -> None:
    by_reference = {"consumer_key": "ck", "consumer_secret": "cs"}
    here = {"name": "web", "kind": "woocommerce", "url": "http://127.0.0.1:9"}
    one = ChannelSettings.model_validate({**here, **by_reference})
    other = ChannelSettings.model_validate({**here, "credentials": by_reference})
    assert one.credential("consumer_key") == other.credential("consumer_key") == "ck"
    with pytest.raises(ValueError, match="consumer_key and consumer_secret must be set"):
        ChannelSettings.model_validate(here)


def test_shopify_without_credentials_takes_orders_and_is_not_published_to() -> None:
    shop = ChannelSettings(name="us", kind="shopify", url="https://us.example")
    assert not shop.is_published
    settings = Settings(channels=[shop])
    with pytest.raises(SettingsError, match="nothing is published to channel us"):
        published_channel(settings, "us")


@pytest.mark.usefixtures("tiny")
def test_a_missing_secret_is_told_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINY_SECRET")
    with pytest.raises(SettingsError, match="TINY_SECRET is not set"):
        adapter_of(channel())


@pytest.mark.usefixtures("tiny")
def test_a_secret_is_read_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = adapter_of(channel())
    assert isinstance(adapter, TinyAdapter)
    assert adapter.secret() == "hush-tiny"
    monkeypatch.setenv("TINY_SECRET", "hush-replaced")
    assert adapter.secret() == "hush-replaced"


@pytest.mark.usefixtures("tiny")
def test_a_file_is_refused_by_the_settings_name_and_shows_references_alone(tmp_path: Path) -> None:
    path = tmp_path / "stockfold.toml"
    text = (
        '[[channels]]\nname = "tiny-de"\nkind = "tiny"\nurl = "https://tiny.example"\n'
        'options = { seller = "A1" }\ncredentials = { client_secret = "env:TINY_SECRET" }\n'
        'location_names = { "berlin" = "loc/1" }\n'
    )
    path.write_text(text)
    values = {value.name: shown(value.value) for value in explain(read(path, {}))}
    assert values["channels.0.credentials"] == {"client_secret": "env:TINY_SECRET"}
    assert values["channels.0.location_names"] == {"berlin": "loc/1"}
    path.write_text(text.replace("seller", "sellr"))
    with pytest.raises(SettingsError, match=r"channels\.0: options\.seller: Field required"):
        read(path, {})


@pytest.mark.usefixtures("tiny")
def test_a_channel_is_pressed_no_harder_than_its_adapter_says() -> None:
    pressed = channel(pace={"in_flight_start": 4, "in_flight_max": 16})
    limits = limits_of(pressed, adapter_of(pressed))
    assert (limits.in_flight_start, limits.in_flight_max, limits.items_max) == (2, 2, 100)


@pytest.mark.usefixtures("tiny")
def test_plain_credentials_of_this_machine_are_not_shown() -> None:
    here = channel(url="http://127.0.0.1:9", credentials={"client_secret": "hush-plain"})
    settings = Settings(channels=[here])
    assert "hush-plain" not in settings.model_dump_json()
    assert "hush-plain" not in repr(settings)
    assert shown(here.credentials) == {"client_secret": "(plain, hidden)"}
    whole = settings.model_dump_json(context={"reveal_plain_secrets": True})
    assert Settings.model_validate_json(whole) == settings
