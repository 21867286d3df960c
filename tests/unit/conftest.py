from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.installed_kinds import install
from tests.support.story import Story
from tests.support.subject import SUBJECTS, Subject


@pytest.fixture(params=sorted(SUBJECTS))
def subject(request: pytest.FixtureRequest) -> Subject:
    """Every implementation of the semantics, one after the other."""
    return SUBJECTS[request.param]()


@pytest.fixture
def story(subject: Subject) -> Story:
    return Story(subject)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package that offers the channel kind tiny is installed, and has its secret."""
    site = tmp_path / "site"
    install(monkeypatch, site, "stockfold_channel_tiny", tiny="tests.support.tiny_channel:KIND")
    monkeypatch.setenv("TINY_SECRET", "hush-tiny")
