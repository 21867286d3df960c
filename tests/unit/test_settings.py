"""Settings: sources, precedence, refusals, and what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import ChannelSettings, KafkaSettings, Settings, load
from stockfold.runtime.sources import explain, read, shown

SHOP = """
[[channels]]
name = "web"
kind = "woocommerce"
url = "https://shop.example"
consumer_key = "env:SHOP_KEY"
consumer_secret = "file:/run/secrets/shop"
zone = "Europe/Berlin"
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "stockfold.toml"
    path.write_text(text, "utf-8")
    return path


def _source_of(path: Path | None, environ: dict[str, str], name: str) -> tuple[object, str]:
    (value,) = [value for value in explain(read(path, environ)) if value.name == name]
    return value.value, value.source


def test_without_any_source_every_setting_has_its_default() -> None:
    settings = read(None, {}).settings
    assert settings.kafka.bootstrap is None
    assert settings.kafka.sku_partitions == 8
    assert settings.ledger.dedupe_horizon_s == 7 * 86_400


def test_the_environment_overrides_the_file_and_the_file_the_defaults(tmp_path: Path) -> None:
    path = _file(tmp_path, "[kafka]\nsku_partitions = 4\nreplication = 3\n")
    environ = {"STOCKFOLD_KAFKA__SKU_PARTITIONS": "16"}
    assert _source_of(path, environ, "kafka.sku_partitions") == (
        16,
        "environment STOCKFOLD_KAFKA__SKU_PARTITIONS",
    )
    assert _source_of(path, environ, "kafka.replication") == (3, f"file {path}")
    assert _source_of(path, environ, "api.port") == (8080, "default")


def test_a_channel_from_the_file_keeps_its_references(tmp_path: Path) -> None:
    settings = read(_file(tmp_path, SHOP), {}).settings
    (channel,) = settings.channels
    assert str(channel.consumer_key) == "env:SHOP_KEY"
    assert channel.locations is None


def test_every_setting_is_explained_in_words(tmp_path: Path) -> None:
    values = explain(read(_file(tmp_path, SHOP), {}))
    assert [value.name for value in values if not value.description] == []
    assert ("channels.0.zone", "Europe/Berlin") in [(v.name, v.value) for v in values]


def test_the_file_named_by_the_environment_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOCKFOLD_CONFIG", str(_file(tmp_path, "[api]\nport = 9001\n")))
    assert load().api.port == 9001


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml"):
        load(tmp_path / "gone.toml")


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line 2"):
        read(_file(tmp_path, "[kafka]\nbootstrap =\n"), {})


def test_an_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"kafka\.bootstrpa: there is no such setting"):
        read(_file(tmp_path, '[kafka]\nbootstrpa = "a:1"\n'), {})


@pytest.mark.parametrize("name", ["STOCKFOLD_KAFAK__BOOTSTRAP", "STOCKFOLD_KAFKA__BOOTSTRPA"])
def test_a_misspelt_variable_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match=r"KAFAK__BOOTSTRAP|bootstrpa"):
        read(None, {name: "localhost:9092"})


def test_a_list_in_a_variable_that_is_not_json_is_refused() -> None:
    with pytest.raises(SettingsError, match="JSON"):
        read(None, {"STOCKFOLD_CHANNELS": "web"})


@pytest.mark.parametrize(
    ("section", "value", "said"),
    [
        ("environment", {"prefix": "a b"}, "not a prefix"),
        ("locations", [{"name": "a|b"}], "not a name"),
        ("locations", [{"name": "a", "zone": "Berlin"}], "IANA"),
        ("locations", [{"name": "a"}, {"name": "a"}], "more than once"),
        ("api", {"port": 70_000}, "65535"),
        ("kafka", {"options": {"bootstrap.servers": "x"}}, r"kafka\.bootstrap"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_must_be(
    section: str, value: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Settings.model_validate({section: value})


def test_plain_secrets_are_refused_for_a_shop_elsewhere_and_taken_here() -> None:
    shop = {"name": "web", "kind": "woocommerce", "consumer_key": "ck", "consumer_secret": "cs"}
    with pytest.raises(ValueError, match="references"):
        ChannelSettings.model_validate({**shop, "url": "https://shop.example"})
    here = ChannelSettings.model_validate({**shop, "url": "http://127.0.0.1:8099"})
    assert here.consumer_key.resolve() == "ck"


@pytest.mark.parametrize(
    ("dsn", "taken"),
    [
        ("postgresql://u:p@db.example/x", False),
        ("postgresql://u:p@localhost/x", True),
        ("postgresql://postgres@/x?host=/run/pg", True),
        ("postgresql://u:p@localhost/x?host=db.example", False),
        ("env:DSN", True),
    ],
)
def test_a_plain_dsn_is_taken_for_this_machine_only(dsn: str, taken: bool) -> None:
    if taken:
        Settings.model_validate({"postgres": {"dsn": dsn}})
    else:
        with pytest.raises(ValueError, match="plain text"):
            Settings.model_validate({"postgres": {"dsn": dsn}})


def test_a_plain_kafka_password_is_refused_for_a_broker_elsewhere() -> None:
    with pytest.raises(ValueError, match=r"sasl\.password"):
        KafkaSettings(bootstrap="kafka.example:9093", options={"sasl.password": "p"})
    KafkaSettings(bootstrap="localhost:9093", options={"sasl.password": "p"})


def test_a_refusal_never_shows_the_value() -> None:
    with pytest.raises(SettingsError) as caught:
        read(None, {"STOCKFOLD_POSTGRES__DSN": "postgresql://u:hunter2@db.example/x"})
    assert "hunter2" not in str(caught.value)


def test_what_is_shown_of_secrets_is_their_reference() -> None:
    assert shown({"sasl.password": "p", "client.id": "a"}) == {
        "sasl.password": "(plain, hidden)",
        "client.id": "a",
    }


def test_settings_travel_to_a_child_process_whole(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"postgres": {"dsn": "postgresql://u:p@localhost/x"}, "api": {"port": 9002}}
    )
    assert "u:p" not in settings.model_dump_json()
    text = settings.model_dump_json(context={"reveal_plain_secrets": True})
    assert Settings.model_validate_json(text) == settings
