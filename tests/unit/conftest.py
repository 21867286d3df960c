from __future__ import annotations

import pytest
from tests.support.story import Story
from tests.support.subject import SUBJECTS, Subject


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    """Every implementation of the semantics, one after the other."""
    return SUBJECTS[request.param]()


@pytest.fixture
def story(subject: Subject) -> Story:
    return Story(subject)
