"""The documented table of facts names every test that holds the imitation to one, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "infra" / "docs" / "woocommerce.md"
TESTS = ROOT / "tests" / "contract" / "woocommerce"


def test_every_fact_has_its_test_and_every_test_its_fact() -> None:
    told = re.findall(r"\| `(test_\w+)` \|$", TABLE.read_text("utf-8"), re.MULTILINE)
    there = [
        name
        for path in sorted(TESTS.glob("test_*.py"))
        for name in re.findall(r"^async def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert sorted(told) == sorted(there)
    assert len(set(told)) == len(told)
