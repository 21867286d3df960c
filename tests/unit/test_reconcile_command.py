"""What ``stockfold reconcile erp`` asks for before it reads anything."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import parse_us
from stockfold_services.cli.main import app
from stockfold_services.cli.reconcile import _cut

OCTOBER, LATER = "2025-10-31T23:00:00Z", "2025-11-03T08:00:00Z"


def refused(*options: str) -> str:
    done = CliRunner().invoke(app, ["reconcile", "erp", "closing.csv", *options])
    assert isinstance(done.exception, StockfoldError), done.output
    return str(done.exception)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ((), "say when the figures were true"),
        (("--as-of", "yesterday"), "is no time"),
        (("--as-of", "2999-01-01T00:00:00Z"), "in the future"),
        (("--as-of", OCTOBER, "--period-end", LATER), "known before they were true"),
        (("--as-of", LATER, "--known-at", OCTOBER), "known before they were true"),
        (("--as-of", OCTOBER, "--window", "long"), "is no age"),
        (("--as-of", OCTOBER, "--adjust", "bad_row"), "cannot be corrected by figures"),
        (("--as-of", OCTOBER, "--known-at", LATER, "--apply"), "corrected by what is known now"),
        (("--as-of", LATER, "--period-end", OCTOBER, "--apply"), "by what is known now"),
        (("--as-of", OCTOBER, "--source", ""), "the source has no name"),
        (("--as-of", OCTOBER, "-m", "sku"), "is no mapping"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: tuple[str, ...], what: str) -> None:
    assert what in refused(*options)


def test_closing_figures_are_of_the_end_and_known_when_the_file_was_made() -> None:
    both = _cut(LATER, OCTOBER, "", "1h")
    assert (both.at_us, both.known_us) == (parse_us(OCTOBER), parse_us(LATER))
    alone = _cut("", OCTOBER, "", "1h")
    assert (alone.at_us, alone.known_us > parse_us(LATER)) == (parse_us(OCTOBER), True)
    as_of = _cut(LATER, "", "", "30m")
    assert (as_of.at_us, as_of.window_us) == (parse_us(LATER), 1_800_000_000)
