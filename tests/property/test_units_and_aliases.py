"""Conversion is exact or refused; a code of a scope means one thing or nothing."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockfold.domain.aliases import AliasBook
from stockfold.domain.bills import find_cycle
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias, UnitOfMeasure
from stockfold.domain.units import to_base

AMOUNTS = st.integers(-(10**12), 10**12)
PARTS = st.integers(1, 10**12)
NAMES = st.sampled_from("abcde")


@given(AMOUNTS, PARTS, PARTS)
def test_a_conversion_is_the_exact_fraction_or_is_refused(
    quantity: int, numerator: int, denominator: int
) -> None:
    exact = Fraction(quantity) * Fraction(numerator, denominator)
    units = (UnitOfMeasure("box", numerator, denominator),)
    if exact.denominator == 1:
        assert to_base(quantity, "box", "each", units) == exact
    else:
        with pytest.raises(ContractError) as caught:
            to_base(quantity, "box", "each", units)
        assert caught.value.kind == "inexact_conversion"


@given(AMOUNTS, PARTS)
def test_whole_units_add_up_however_they_are_split(quantity: int, numerator: int) -> None:
    units = (UnitOfMeasure("case", numerator),)
    half = quantity // 2
    parts = to_base(half, "case", "each", units) + to_base(quantity - half, "case", "each", units)
    assert parts == to_base(quantity, "case", "each", units)


@given(AMOUNTS)
def test_the_base_unit_is_itself_and_every_other_name_is_unknown(quantity: int) -> None:
    assert to_base(quantity, "each", "each", ()) == quantity
    with pytest.raises(ContractError, match="no unit 'case'") as caught:
        to_base(quantity, "case", "each", ())
    assert caught.value.kind == "unknown_unit"


@given(st.lists(st.tuples(NAMES, NAMES, NAMES)))
def test_a_code_of_a_scope_means_the_first_target_and_another_is_refused(
    told: list[tuple[str, str, str]],
) -> None:
    book, expected = AliasBook(), {}
    for scope, code, target in told:
        alias = Alias(scope, "sku", code, target)
        if expected.setdefault((scope, code), target) == target:
            book.add(alias)
        else:
            with pytest.raises(ContractError) as caught:
                book.add(alias)
            assert caught.value.kind == "ambiguous_alias"
    for scope in "abcde":
        for code in "abcde":
            assert book.resolve("sku", scope, code) == expected.get((scope, code), code)
            assert book.resolve("location", scope, code) == code


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, st.booleans())))
def test_the_newest_alias_rules_and_an_inactive_one_means_nothing(
    told: list[tuple[str, str, str, bool]],
) -> None:
    book, expected = AliasBook(), {}
    for scope, code, target, active in told:
        book.put(Alias(scope, "sku", code, target, active=active))
        expected[scope, code] = target if active else code
    for (scope, code), target in expected.items():
        assert book.resolve("sku", scope, code) == target


GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3, unique=True))


def reaches(graph: dict[str, list[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        sku = waiting.pop()
        if sku not in seen:
            seen.add(sku)
            waiting += graph.get(sku, ())
    return seen


@given(GRAPHS)
def test_a_cycle_of_bills_is_found_when_there_is_one_and_its_path_is_real(
    graph: dict[str, list[str]],
) -> None:
    path = find_cycle(graph)
    assert bool(path) == any(sku in reaches(graph, sku) for sku in graph)
    for kit, component in pairwise(path):
        assert component in graph[kit]
    assert not path or path[0] == path[-1] == min(path)
