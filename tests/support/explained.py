"""Histories as the journal holds them, of stories and of generated inputs, for questions."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.explain.entry import Entry
from tests.support.histories import Input
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story

SKU = "SKU-1"


def story() -> Story:
    """A story told to the real ledger."""
    return Story(LedgerSubject(SKU))


def entries(told: Story | LedgerSubject) -> list[Entry]:
    """The facts of a story, as if its journal began at offset 100 of partition 3."""
    subject = told.subject if isinstance(told, Story) else told
    assert isinstance(subject, LedgerSubject)
    return [Entry(fact, 3, 100 + index) for index, fact in enumerate(subject.facts)]


def subject_of(inputs: Iterable[Input]) -> LedgerSubject:
    """The ledger after generated inputs."""
    subject = LedgerSubject(SKU)
    for event in inputs:
        subject.feed(
            event.event_type,
            event.body,
            event_id=event.event_id,
            source=event.source,
            occurred_us=event.occurred_us,
            now_us=event.now_us,
        )
    return subject
