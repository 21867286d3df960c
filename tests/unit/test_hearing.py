"""The ledger marks sources that have a rhythm as heard, a few times in each."""

from __future__ import annotations

from typing import Any

from stockfold.contracts.schedule import Heard, decode_schedule
from stockfold.contracts.topics import Topic
from stockfold.domain.reference import Authority
from stockfold.domain.times import SECOND_US
from stockfold_services.ledger.hearing import Hearing

T0 = 1_000_000 * SECOND_US


class Written:
    def __init__(self) -> None:
        self.marks: list[Any] = []

    def produce(
        self, topic: Topic, partition: int, key: bytes | None, value: bytes, headers: Any = None
    ) -> None:
        self.marks.append(decode_schedule(value))


def marks(hearing: Hearing) -> list[Any]:
    out = Written()
    hearing.tell(out)
    return out.marks


def hearing(*authorities: Authority) -> Hearing:
    found = Hearing()
    for authority in authorities:
        found.put(authority)
    return found


def test_a_source_is_marked_at_most_four_times_in_its_rhythm() -> None:
    known = hearing(Authority("wms", "/wms", rhythm_s=40))
    told = []
    for second in range(41):
        known.hear("/wms", T0 + second * SECOND_US)
        told += marks(known)
    assert told == [Heard("/wms", T0 + second * SECOND_US) for second in (0, 10, 20, 30, 40)]


def test_a_source_without_a_rhythm_is_never_marked() -> None:
    known = hearing(Authority("erp", "/erp"))
    known.hear("/erp", T0)
    known.hear("/unknown", T0)
    assert (marks(known), known.rhythms) == ([], {})


def test_of_two_rules_of_a_source_the_shorter_rhythm_counts() -> None:
    known = hearing(Authority("slow", "/wms", rhythm_s=400), Authority("fast", "/wms", rhythm_s=40))
    assert known.rhythms == {"/wms": 10 * SECOND_US}
    known.withdraw("fast")
    assert known.rhythms == {"/wms": 100 * SECOND_US}


def test_an_inactive_rule_has_no_rhythm() -> None:
    known = hearing(Authority("wms", "/wms", rhythm_s=40))
    known.put(Authority("wms", "/wms", rhythm_s=40, active=False))
    assert known.rhythms == {}


def test_what_was_aborted_is_marked_again() -> None:
    known = hearing(Authority("wms", "/wms", rhythm_s=40))
    known.hear("/wms", T0)
    assert len(marks(known)) == 1
    known.forget_told()
    known.hear("/wms", T0 + SECOND_US)
    assert marks(known) == [Heard("/wms", T0 + SECOND_US)]
