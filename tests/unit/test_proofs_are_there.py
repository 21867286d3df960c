"""The list of what proves the availability of channels names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LIST = TESTS.parent / "infra" / "docs" / "availability-proofs.md"
ROWS = re.findall(r"^\| (.+) \| (\S+\.py) \| (\w+) \|$", LIST.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("what", "file", "test"), ROWS)
def test_every_proof_of_the_list_is_a_test(what: str, file: str, test: str) -> None:
    found = (TESTS / file).read_text("utf-8")
    assert re.search(rf"^(async )?def {test}\(", found, re.MULTILINE), what


def test_the_list_is_read() -> None:
    assert len(ROWS) > 30
