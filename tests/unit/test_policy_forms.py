"""Every form that a policy file knows, there and back, and the example of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.policies import CHANNELS, policies

from stockfold.availability.policy import (
    Backorder,
    Policy,
    Preorder,
    Promotion,
    ReservationTerms,
    RingFence,
    Safety,
    Silence,
)
from stockfold.contracts.policies import encode_policy, read_policy
from stockfold.domain.errors import ContractError, SettingsError
from stockfold.domain.times import parse_us
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy_compare import compare, is_richer
from stockfold_services.cli.policy_file import from_file
from stockfold_services.cli.policy_known import Known
from stockfold_services.cli.policy_written import written

PAGE = Path(__file__).parents[2] / "infra" / "docs" / "policies.md"


def read(text: str, tmp_path: Path, known: Known | None = None) -> list[Policy]:
    file = tmp_path / "policies.yaml"
    file.write_text(text, "utf-8")
    return from_file(file, Settings(), known)


def one(rules: str, tmp_path: Path, known: Known | None = None) -> Policy:
    (policy,) = read(f"policies:\n- channel: woo\n{rules}\n", tmp_path, known)
    return policy


def refusal(rules: str, tmp_path: Path, known: Known | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        one(rules, tmp_path, known)
    return caught.value.what


def test_the_example_of_the_documentation_is_read_as_it_says(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8").partition("<!-- example -->\n```yaml\n")[2].partition("```")[0]
    woo, walmart = read(text, tmp_path)
    assert woo == Policy(
        "woo-de",
        0,
        zone="Europe/Berlin",
        locations=("DC-BERLIN",),
        tags=("store",),
        safety=(
            Safety(2),
            Safety(basis_points=1_000, category="food"),
            Safety(5, sku="SKU-1001"),
            Safety(1, location="STORE-1"),
        ),
        share=6_000,
        ring_fences=(RingFence(20, 5, sku="SKU-1001"), RingFence(3, category="food/coffee")),
        ceiling=500,
        publish_zero_at=1,
        low_stock=5,
        backorders=(Backorder(20), Backorder(0, category="food")),
        preorder=Preorder(80, 60),
        lead_time_days=2,
        backorder_lead_time_days=14,
        in_transit=True,
        promotions=(
            Promotion(
                "black-friday",
                parse_us("2026-11-26T23:00:00Z"),
                parse_us("2026-11-27T23:00:00Z"),
                basis_points=2_000,
                ceiling=50,
                categories=("food",),
            ),
        ),
        reservations=ReservationTerms(1_800, allow_partial=True, allow_backorder=True, priority=1),
        silence=Silence("buffer", 3_600, basis_points=5_000),
    )
    assert walmart == Policy("walmart", 0, basis="gross", per_location=True, share=3_333)


def test_every_field_of_a_policy_is_in_the_example() -> None:
    text = PAGE.read_text("utf-8").partition("<!-- example -->")[2].partition("<!--")[0]
    fields = set(Policy.__struct_fields__) - {"revision", "safety"}
    assert {field for field in fields if f"{field}:" not in text} == set()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("  safety_stock: 3", {"safety_stock": 3}),
        ("  safety_stock: [3]", {"safety_stock": 3}),
        ("  safety_stock: 12.25%", {"safety": (Safety(basis_points=1_225),)}),
        ("  safety_stock: {units: 1, sku: A}", {"safety": (Safety(1, sku="A"),)}),
        ("  share: 100%", {}),
        ("  ring_fences: []", {"ring_fences": ()}),
        ("  backorders: 0", {"backorders": (Backorder(0),)}),
        (
            "  reservations: {allow_backorder: true}",
            {"reservations": ReservationTerms(None, False, True)},
        ),
        ("  silence: {then: zero}", {"silence": Silence("zero")}),
        ("  silence: {then: buffer, safety_stock: 3}", {"silence": Silence("buffer", 0, 3)}),
    ],
)
def test_short_forms(rules: str, expected: dict[str, Any], tmp_path: Path) -> None:
    assert one(rules, tmp_path) == Policy("woo", 0, **expected)


WINDOW = "  promotions: [{name: x, starts: 2026-01-02T00:00:00Z, ends: 2026-01-0%sT00:00:00Z%s}]"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("  share: 0.6", "line 3: policies[0].share: write a percentage"),
        ("  share: 101%", "line 3: policies[0].share: a percentage is between"),
        ("  share: 33.333%", "line 3: policies[0].share: a percentage has at most two decimals"),
        ("  share: -1%", "line 3: policies[0].share: write a percentage"),
        (
            "  safety_stock: [1, {units: 2}]",
            "policies[0].safety_stock[1]: has a rule for every SKU",
        ),
        (
            "  safety_stock:\n  - {units: 1, percent: 2%}",
            "line 4: policies[0].safety_stock[0]: says both units and a percentage",
        ),
        (
            "  safety_stock:\n  - {units: 1, sku: A, category: b}",
            "line 4: policies[0].safety_stock[0]: names both a SKU and a category",
        ),
        (
            "  ring_fences:\n  - {units: 5}",
            "line 4: policies[0].ring_fences[0]: names neither a SKU nor a category",
        ),
        (
            "  ring_fences:\n  - {units: 5, sku: A}\n  - {units: 6, sku: A}",
            "line 5: policies[0].ring_fences[1]: has a rule for A again, as rule 0 does",
        ),
        ("  ring_fences:\n  - {units: -5, sku: A}", "line 4: policies[0].ring_fences[0].units: "),
        (
            "  ring_fences:\n  - {sku: A}",
            "line 4: policies[0].ring_fences[0].units: Field required",
        ),
        ("  ceiling: 10000000000000", "line 3: policies[0].ceiling: "),
        (WINDOW % (1, ", ceiling: 1"), "is not after its start"),
        (WINDOW % (3, ""), "has neither a buffer nor a ceiling"),
        (
            "  promotions: [{name: x, starts: 2026-01-01, ends: 2026-01-02T00:00:00Z, ceiling: 1}]",
            "line 3: policies[0].promotions[0].starts: write a time with its offset",
        ),
        (
            "  backorders: 5\n  reservations: {allow_backorder: false}",
            "line 4: policies[0].reservations.allow_backorder: is false, but",
        ),
        ("  preorder: {confidence: 120}", "line 3: policies[0].preorder.confidence: "),
        ("  preorder: {within_days: -1}", "line 3: policies[0].preorder.within_days: -1 is not"),
        ("  silence: {then: buffer}", "line 3: policies[0].silence: needs a buffer"),
        ("  silence: {then: panic}", "line 3: policies[0].silence.then: "),
        ("  lead_time_days: 99999", "line 3: policies[0].lead_time_days: 99999 is not between"),
        ("  basis: netto", "line 3: policies[0].basis: "),
    ],
)
def test_what_is_absurd_is_refused_with_its_line(rules: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(rules, tmp_path)


KNOWN = Known(["BERLIN", "ROME"], tags=["store"])


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("  locations: [ROMA]", "location ROMA is not one of [[locations]]; did you mean ROME?"),
        ("  tags: [shop]", "line 3: policies[0].tags[0]: no location has the tag shop"),
        (
            "  safety_stock:\n  - {units: 1, location: OSLO}",
            "line 4: policies[0].safety_stock[0].location: location OSLO is not one of",
        ),
    ],
)
def test_what_nobody_knows_is_refused(rules: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(rules, tmp_path, KNOWN)


def test_fences_that_cannot_all_be_met_are_refused_at_their_line(tmp_path: Path) -> None:
    known = Known(overlaps=lambda _: [(0, (("ring_fences", 1), "add up to 9 units"))])
    rules = "  ring_fences:\n  - {units: 1, sku: A}\n  - {units: 8, sku: B}"
    said = "line 5: policies[0].ring_fences[1]: add up to 9 units"
    assert refusal(rules, tmp_path, known) == said


@settings(deadline=None, max_examples=25)
@given(st.tuples(*(policies(channel) for channel in CHANNELS)))
def test_a_policy_as_it_is_written_is_that_policy(
    tmp_path_factory: pytest.TempPathFactory, wanted: tuple[Policy, ...]
) -> None:
    text = yaml.safe_dump({"policies": [written(policy) for policy in wanted]})
    found = read(text, tmp_path_factory.getbasetemp())
    again = yaml.safe_dump({"policies": [written(policy) for policy in found]})
    assert read(again, tmp_path_factory.getbasetemp()) == found
    assert [outcome.action for _, outcome in compare(found, {p.channel: p for p in found})] == [
        "unchanged"
    ] * len(found)


@given(policies())
def test_a_policy_survives_its_record(policy: Policy) -> None:
    assert read_policy(encode_policy(policy)) == policy


def test_a_record_that_is_unfit_is_refused_with_everything_that_is_wrong() -> None:
    unfit = Policy("woo", 1, share=20_000, silence=Silence("buffer"))
    with pytest.raises(ContractError, match=r"share 200%.*silence needs a buffer"):
        read_policy(encode_policy(unfit))


def test_a_policy_that_says_more_than_the_settings_can_is_richer() -> None:
    plain = Policy("woo", 1, "Europe/Berlin", ("A",), 2, 5)
    assert not is_richer(plain, plain)
    for rules in ({"share": 1}, {"ring_fences": ()}, {"tags": ("x",)}, {"safety": (Safety(1),)}):
        assert is_richer(Policy("woo", 1, **rules), plain)


def test_fences_that_are_named_no_more_are_lifted() -> None:
    before = Policy("woo", 1, ring_fences=(RingFence(2, sku="A"),))
    ((after, outcome),) = compare([Policy("woo", 0)], {"woo": before})
    assert after.ring_fences == ()
    assert outcome.changes == ("ring_fences [{units: 2, sku: A}] → []",)
