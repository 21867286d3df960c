"""Logs: JSON elsewhere, lines on a terminal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from stockfold.runtime import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_record_is_one_line_of_json_with_its_extras() -> None:
    out = io.StringIO()
    logs.configure("ledger", out)
    logging.getLogger("x").info("folded %d", 3, extra={"partition": 2})
    (line,) = out.getvalue().splitlines()
    record = json.loads(line)
    assert record["message"] == "folded 3"
    assert record["partition"] == 2
    assert record["service"] == "ledger"
    assert record["time"].endswith("Z")


def test_an_error_keeps_its_traceback_in_the_same_line() -> None:
    out = io.StringIO()
    logs.configure("ledger", out)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("x").exception("it failed")
    (line,) = out.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["error"]


def test_a_terminal_gets_a_readable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKFOLD_LOG_FORMAT", "terminal")
    out = io.StringIO()
    logs.configure("ledger", out)
    logging.getLogger("x").warning("late", extra={"sku": "A"})
    assert "WARNING ledger" in out.getvalue()
    assert out.getvalue().endswith("late sku=A\n")
