"""Time as events: windows, days and silent sources change promises of a system that is idle."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.availability_harness import Harness

from stockfold.availability.policy import Policy, Preorder, Promotion, ReservationTerms, Silence
from stockfold.contracts.schedule import encode_moment
from stockfold.contracts.topics import SCHEDULE
from stockfold.domain.times import DAY_US, SECOND_US, parse_us

NOON_US = parse_us("2026-11-25T12:00:00Z")
HOUR_US = 3600 * SECOND_US
SALE = Promotion("sale", NOON_US + HOUR_US, NOON_US + 2 * HOUR_US, units=4)
RHYTHM_S = 80


@pytest.fixture
def harness() -> Harness:
    found = Harness()
    found.now_us = NOON_US
    found.position("a", "BERLIN", 10)
    return found


def at(harness: Harness, us: int) -> list[int]:
    """What the shop has been told of the SKU by then."""
    harness.now_us = us
    return [event["quantity"] for event in harness.settle().told()]


def last(harness: Harness) -> dict[str, Any]:
    return harness.told()[-1]


def test_a_window_begins_and_ends_by_itself(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    assert at(harness, NOON_US) == [10]
    assert at(harness, SALE.starts_at - SECOND_US) == [10]
    assert at(harness, SALE.starts_at) == [10, 6]
    assert at(harness, SALE.ends_at) == [10, 6, 10]
    assert [event["version"] for event in harness.told()] == [1, 2, 3]
    assert [moment.at_us for moment in harness.moments()] == [SALE.starts_at, SALE.ends_at]
    assert harness.moments()[0].reasons == ("the promotion 'sale' of woo begins",)


def test_what_time_brings_has_the_moment_as_its_cause(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    at(harness, SALE.starts_at)
    assert (last(harness)["recorded_at"], last(harness)["caused_at"]) == (SALE.starts_at,) * 2


def test_a_moment_that_is_late_is_told_with_its_own_time(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    at(harness, NOON_US)
    at(harness, SALE.starts_at + 17 * SECOND_US)
    assert [moment.at_us for moment in harness.moments()] == [SALE.starts_at]


def test_after_a_long_stop_only_the_last_moment_is_told(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    at(harness, NOON_US)
    harness.start()
    assert at(harness, NOON_US + DAY_US) == [10]
    assert [moment.at_us for moment in harness.moments()] == [SALE.ends_at]


def test_after_a_restart_the_moments_told_still_rule(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    assert at(harness, SALE.starts_at) == [10, 6]
    harness.start()
    assert at(harness, SALE.starts_at + SECOND_US) == [10, 6]
    harness.position("a", "BERLIN", 11)
    assert at(harness, SALE.starts_at + 2 * SECOND_US) == [10, 6, 7]


def test_a_moment_told_by_another_process_is_not_told_again(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    at(harness, NOON_US)
    harness.log.append(SCHEDULE, 0, *encode_moment(SALE.starts_at, ["the other one saw it"]))
    assert at(harness, SALE.starts_at) == [10, 6]
    assert len(harness.moments()) == 1


def test_a_moment_told_by_several_processes_at_once_counts_once(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    at(harness, SALE.starts_at)
    harness.log.append(SCHEDULE, 0, *encode_moment(SALE.starts_at, ["the other one saw it"]))
    assert at(harness, SALE.starts_at + SECOND_US) == [10, 6]
    keys = {record.key() for record in harness.log.records(SCHEDULE, 0)}
    assert len(keys) == 1


def test_a_moment_whose_transaction_was_aborted_is_told_again(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    at(harness, NOON_US)
    harness.now_us = SALE.starts_at
    harness.batch(abort=True)
    assert harness.moments() == []
    assert at(harness, SALE.starts_at + SECOND_US) == [10, 6]


def test_a_clock_that_is_set_back_takes_no_moment_back(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    assert at(harness, SALE.starts_at) == [10, 6]
    harness.position("a", "BERLIN", 12)
    assert at(harness, NOON_US) == [10, 6, 8]


def test_a_policy_that_knows_no_time_has_nothing_told(harness: Harness) -> None:
    harness.policy(Policy("woo", 1))
    at(harness, NOON_US + 3 * DAY_US)
    assert harness.log.records(SCHEDULE, 0) == []


def test_a_day_ends_where_the_channel_is(harness: Harness) -> None:
    eta = parse_us("2026-11-27T10:00:00Z")
    expected = {"inbound": "PO", "line": "1", "quantity": 5, "eta": eta, "confidence": 90}
    harness.position("a", "BERLIN", 0, expected=[expected])
    harness.policy(
        Policy(
            "woo",
            1,
            zone="Europe/Berlin",
            preorder=Preorder(within_days=1),
            reservations=ReservationTerms(allow_backorder=True),
        )
    )
    assert at(harness, NOON_US) == [0]
    midnight = parse_us("2026-11-25T23:00:00Z")
    assert at(harness, midnight - SECOND_US) == [0]
    assert at(harness, midnight) == [0, 5]
    assert at(harness, midnight + 2 * DAY_US) == [0, 5, 0]
    assert harness.moments()[-1].reasons == ("a day of woo begins",)


# --- silent sources ---------------------------------------------------------------------------

ZERO = Policy("woo", 1, silence=Silence("zero"))


def test_a_source_that_outlasts_its_rhythm_is_silent_until_it_speaks_again(
    harness: Harness,
) -> None:
    harness.position("a", "ROME", 3)
    harness.policy(ZERO)
    harness.authority("/wms/rome", "ROME", rhythm_s=RHYTHM_S)
    harness.heard("/wms/rome", NOON_US)
    assert at(harness, NOON_US + 99 * SECOND_US) == [13]
    assert at(harness, NOON_US + 100 * SECOND_US) == [13, 10]
    assert [step["detail"] for step in last(harness)["steps"]][1] == (
        "3 units are not counted, as nothing is heard from ROME since 2026-11-25 12:00 UTC (3)"
    )
    assert "/wms/rome has gone silent" in harness.moments()[-1].reasons
    harness.heard("/wms/rome", NOON_US + 300 * SECOND_US)
    assert at(harness, NOON_US + 301 * SECOND_US) == [13, 10, 13]


def test_every_channel_has_terms_of_its_own_for_silence(harness: Harness) -> None:
    for channel, silence in (
        ("keeps", Silence()),
        ("buffers", Silence("buffer", units=4)),
        ("zeroes", Silence("zero")),
        ("waits", Silence("zero", 600)),
    ):
        harness.policy(Policy(channel, 1, silence=silence))
    harness.authority("/wms", rhythm_s=RHYTHM_S)
    harness.location("BERLIN")
    harness.heard("/wms", NOON_US)
    at(harness, NOON_US + 100 * SECOND_US)
    told = {c: harness.told(c)[-1]["quantity"] for c in ("keeps", "buffers", "zeroes", "waits")}
    assert told == {"keeps": 10, "buffers": 6, "zeroes": 0, "waits": 10}
    at(harness, NOON_US + 600 * SECOND_US)
    assert harness.told("waits")[-1]["quantity"] == 0


def test_a_source_without_a_rhythm_may_be_silent_for_ever(harness: Harness) -> None:
    harness.policy(ZERO)
    harness.authority("/wms", "BERLIN")
    harness.heard("/wms", NOON_US)
    assert at(harness, NOON_US + 30 * DAY_US) == [10]


def test_a_source_never_heard_from_counts_from_when_its_authority_came(harness: Harness) -> None:
    harness.policy(ZERO)
    harness.authority("/wms", "BERLIN", rhythm_s=RHYTHM_S)
    assert at(harness, NOON_US) == [10, 0], "the authority is of 1970 here"


def test_silence_outlasts_a_restart(harness: Harness) -> None:
    harness.policy(ZERO)
    harness.authority("/wms", "BERLIN", rhythm_s=RHYTHM_S)
    harness.heard("/wms", NOON_US)
    assert at(harness, NOON_US + 100 * SECOND_US) == [10, 0]
    harness.start()
    assert at(harness, NOON_US + 101 * SECOND_US) == [10, 0]
    harness.heard("/wms", NOON_US + 102 * SECOND_US)
    assert at(harness, NOON_US + 103 * SECOND_US) == [10, 0, 10]


def test_an_authority_that_is_withdrawn_silences_nobody(harness: Harness) -> None:
    harness.policy(ZERO)
    harness.authority("/wms", "BERLIN", rhythm_s=RHYTHM_S)
    harness.heard("/wms", NOON_US)
    assert at(harness, NOON_US + 100 * SECOND_US) == [10, 0]
    harness.authority("/wms", "BERLIN")
    assert at(harness, NOON_US + 101 * SECOND_US) == [10, 0, 10]


def test_a_record_that_cannot_be_read_is_passed_over(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, promotions=(SALE,)))
    harness.log.append(SCHEDULE, 0, b"moment|?", b"nonsense")
    assert at(harness, SALE.starts_at) == [10, 6]
