"""Policies as people write them: taken whole, or refused whole with line and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stockfold.availability.policy import Policy
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy import app
from stockfold_services.cli.policy_compare import compare, is_richer
from stockfold_services.cli.policy_file import from_file, from_settings

GOOD = """\
policies:
  - channel: woo-de
    zone: Europe/Berlin
    locations: [DC-BERLIN, DC-PARIS]
    safety_stock: 2
    low_stock: 5
  - channel: amazon
    per_location: true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policies.yaml"


def refusal(file: Path, text: str, settings: Settings | None = None) -> str:
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        from_file(file, settings or Settings())
    assert caught.value.where == str(file)
    assert caught.value.remedy
    return caught.value.what


def with_locations(*names: str) -> Settings:
    return Settings(locations=[{"name": name} for name in names])


def channel(**values: Any) -> dict[str, Any]:
    secrets = {"consumer_key": "env:KEY", "consumer_secret": "env:SECRET"}
    return {"kind": "woocommerce", "url": "https://shop.example", **secrets, **values}


def test_a_file_is_read_as_it_says(file: Path) -> None:
    file.write_text(GOOD, "utf-8")
    assert from_file(file, with_locations("DC-BERLIN", "DC-PARIS")) == [
        Policy("woo-de", 0, "Europe/Berlin", ("DC-BERLIN", "DC-PARIS"), 2, 5),
        Policy("amazon", 0, per_location=True),
    ]


def test_an_unknown_location_is_refused_with_its_line_and_a_near_one(file: Path) -> None:
    text = GOOD.replace("DC-PARIS]", "DC-PARSI]")
    assert refusal(file, text, with_locations("DC-BERLIN", "DC-PARIS")) == (
        "line 4: policies[0].locations[1]: location DC-PARSI is not one of [[locations]]; "
        "did you mean DC-PARIS?"
    )


def test_without_a_list_of_locations_any_name_is_taken(file: Path) -> None:
    file.write_text(GOOD, "utf-8")
    assert len(from_file(file, Settings())) == 2


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("safety_stock: 2", "safety_stock: -2", "line 5: policies[0].safety_stock: "),
        ("safety_stock: 2", "safety_stock: 2000000000000", "line 5: policies[0].safety_stock: "),
        ("safety_stock: 2", "safety_stock: 2.5", "line 5: policies[0].safety_stock: "),
        ("safety_stock: 2", "safety_stock: yes", "line 5: policies[0].safety_stock: "),
        ("safety_stock: 2", "safety_stok: 2", "line 5: policies[0].safety_stok: "),
        ("low_stock: 5", "low_stock: -1", "line 6: policies[0].low_stock: "),
        ("low_stock: 5", "safety_stock: 3", "line 6: safety_stock is said twice"),
        ("Europe/Berlin", "Europe/Berln", "line 3: policies[0].zone: "),
        ("DC-BERLIN, DC-PARIS", "DC-BERLIN, DC-BERLIN", "location DC-BERLIN is named twice"),
        ("DC-BERLIN, DC-PARIS", "", "line 4: policies[0].locations: "),
        ("channel: amazon", "channel: woo|de", "line 7: policies[1].channel: "),
        (
            "channel: amazon",
            "channel: woo-de",
            "line 7: policies[1].channel: channel woo-de has a policy already (first in line 2)",
        ),
        ("policies:", "policy:", "line 1: policies: Field required"),
        ("  - channel: woo-de", "  - channel: [woo-de", "not YAML"),
        ("safety_stock: 2", "safety_stock: &two 2\n    low_stock: *two", "line 6: aliases"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(
    file: Path, before: str, after: str, said: str
) -> None:
    assert said in refusal(file, GOOD.replace(before, after))


@pytest.mark.parametrize("text", ["", "[]", "policies: []", "policies: 7", "- a\n- b\n"])
def test_a_file_without_policies_is_refused(file: Path, text: str) -> None:
    assert refusal(file, text)


def test_everything_that_is_wrong_is_said_at_once(file: Path) -> None:
    said = refusal(file, GOOD.replace("_stock: 2", "_stock: -2").replace("low_stock: 5", "x: 1"))
    assert "safety_stock" in said
    assert "policies[0].x" in said


def test_a_file_that_is_not_text_or_not_there_or_too_large_is_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        from_file(file, Settings())
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not YAML in UTF-8"):
        from_file(file, Settings())
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="more than"):
        from_file(file, Settings())


def test_deep_nesting_is_refused(file: Path) -> None:
    assert "nested more than 10 deep" in refusal(file, "[" * 50_000)


def test_the_channels_of_the_settings_are_policies() -> None:
    settings = Settings(
        channels=[channel(name="woo", locations=["A"], safety_stock=1, zone="Europe/Berlin")]
    )
    assert from_settings(settings) == [Policy("woo", 0, "Europe/Berlin", ("A",), 1)]
    assert from_settings(Settings()) == []


def test_the_basis_of_a_channel_of_the_settings_is_that_of_its_field() -> None:
    settings = Settings(
        channels=[walmart(location_names={"A": "100009"}), channel(name="woo")],
    )
    gross, net = from_settings(settings)
    assert (gross.basis, gross.per_location) == ("gross", True)
    assert (net.basis, net.per_location) == ("net", False)
    assert not is_richer(gross, gross), "it is what the settings say"
    assert is_richer(gross, net)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("channel: us", "net is not what the field of this channel holds: gross"),
        ("{channel: woo, basis: gross}", "gross is not what the field of this channel holds: net"),
    ],
)
def test_a_basis_that_the_channels_field_has_not_is_refused(
    file: Path, policy: str, reason: str
) -> None:
    settings = Settings(channels=[walmart(), channel(name="woo")])
    text = f"policies:\n  - {policy}\n"
    assert refusal(file, text, settings).startswith("line 2: ")
    assert reason in refusal(file, text, settings)


def walmart(**more: Any) -> dict[str, Any]:
    return {
        "name": "us",
        "kind": "walmart",
        "url": "https://marketplace.walmartapis.com",
        "options": {"seller": "100009"},
        "credentials": {"client_id": "env:ID", "client_secret": "env:SECRET"},
        **more,
    }


def test_a_channel_of_the_settings_at_an_unknown_location_is_refused() -> None:
    settings = Settings(channels=[channel(name="woo", locations=["B"])], locations=[{"name": "A"}])
    with pytest.raises(SettingsError, match="location B is not one of"):
        from_settings(settings)


def test_only_what_differs_gets_a_higher_revision_and_says_how() -> None:
    in_force = {"a": Policy("a", 4, safety_stock=1), "b": Policy("b", 2)}
    wanted = [Policy("a", 0, safety_stock=3), Policy("b", 0), Policy("c", 0)]
    outcomes = [outcome for _, outcome in compare(wanted, in_force)]
    assert [(o.channel, o.action, o.revision) for o in outcomes] == [
        ("a", "changed", 5),
        ("b", "unchanged", 2),
        ("c", "new", 1),
    ]
    assert outcomes[0].changes == ("safety_stock 1 → 3",)


def test_check_needs_no_kafka(file: Path) -> None:
    file.write_text(GOOD, "utf-8")
    result = CliRunner().invoke(app, ["check", str(file)])
    assert (result.exit_code, result.stdout) == (0, "valid: woo-de, amazon\n")


def test_check_refuses_with_the_reason(file: Path) -> None:
    file.write_text(GOOD.replace("safety_stock: 2", "safety_stock: -2"), "utf-8")
    result = CliRunner().invoke(app, ["check", str(file)])
    assert isinstance(result.exception, SettingsError)
    assert "line 5" in result.exception.what


def test_without_a_channel_there_is_nothing_to_check() -> None:
    result = CliRunner().invoke(app, ["check"])
    assert isinstance(result.exception, SettingsError)
    assert "no channel" in result.exception.what
