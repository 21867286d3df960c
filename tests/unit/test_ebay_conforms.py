"""However many SKUs eBay takes in one call, and whatever it says of more: the suite passes.

With the number that eBay's guide has, it is run with that of every installed kind.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.ebay.kind import KIND
from stockfold_services.publisher.conformance.suite import run

ONLY = ("shown", "zero-lane", "partial-failure", "poison", "half-done", "lost-answers", "restart")


def cautious() -> FakeEbay:
    """One SKU a call, on both sides: the default."""
    ebay = FakeEbay(skus_per_call=1)
    ebay.options = {"account": "seller"}
    return ebay


def refusing() -> FakeEbay:
    """More than one are tried, and refused."""
    return FakeEbay(skus_per_call=1)


def forgetful() -> FakeEbay:
    """More than one are tried, and passed over."""
    return FakeEbay(skus_per_call=1, passes_over=True)


@pytest.mark.parametrize("subject", [cautious, refusing, forgetful])
def test_it_passes_the_suite_whatever_ebay_takes(subject: Callable[[], FakeEbay]) -> None:
    verdicts = run(msgspec.structs.replace(KIND, subject=subject), ONLY)
    assert [(one.scenario, one.detail) for one in verdicts if one.result != "pass"] == []
