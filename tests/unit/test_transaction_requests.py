"""What a transactional producer tells, and what the answers mean."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from stockfold.domain.errors import DefectError
from stockfold.runtime.transaction_requests import Membership, membership, worst


def test_a_membership_is_read_as_the_consumer_gives_it() -> None:
    told = b"CGMDv2:\x02\0\0\0stockfold.ledger\0ledger-1-5280d5b6\0\0ledger-1\0"
    assert membership(told) == Membership("stockfold.ledger", 2, "ledger-1-5280d5b6", "ledger-1")


def test_a_member_without_an_instance_has_none() -> None:
    told = b"CGMDv2:\xff\xff\xff\xffgroup\0\0\x01"
    assert membership(told) == Membership("group", -1, "", None)


def test_an_unknown_format_of_membership_is_a_defect() -> None:
    with pytest.raises(DefectError, match="unknown format"):
        membership(b"CGMDv3:\x02\0\0\0group\0member\0\x01")


def test_what_passes_is_asked_for_again() -> None:
    assert worst([0, KafkaError.CONCURRENT_TRANSACTIONS, 0], "it")
    assert not worst([0, 0], "it")


def test_what_does_not_pass_is_raised_whatever_else_does() -> None:
    with pytest.raises(KafkaException) as caught:
        worst([KafkaError.NOT_COORDINATOR, KafkaError.ILLEGAL_GENERATION], "it")
    assert caught.value.args[0].code() == KafkaError.ILLEGAL_GENERATION


def test_who_was_fenced_is_told_so_for_good() -> None:
    with pytest.raises(KafkaException) as caught:
        worst([KafkaError.INVALID_PRODUCER_EPOCH], "it")
    assert caught.value.args[0].fatal()
