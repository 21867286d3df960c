"""Every installed kind of channel passes the conformance suite."""

from __future__ import annotations

import pytest

from stockfold.channels.kinds import installed
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.scenarios import SCENARIOS
from stockfold_services.publisher.conformance.suite import play

KINDS = installed()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("kind", KINDS)
def test_every_installed_kind_passes(kind: str, scenario: Scenario) -> None:
    verdict = play(KINDS[kind], scenario)
    assert verdict.result != "fail", verdict.detail
