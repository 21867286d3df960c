"""Signatures of webhooks over the raw body."""

from __future__ import annotations

import pytest

from stockfold.channels.signatures import is_genuine, signature

BODY = b'{"id": 727}'


def test_a_signature_is_what_other_libraries_compute() -> None:
    # printf '{"id": 727}' | openssl dgst -sha256 -hmac 'hush' -binary | base64
    assert signature(BODY, "hush") == "MuZtLrsVHszujpyS1W+39hvjocrJLQDVUrrjcZLjPfM="


def test_either_secret_holds_while_one_is_replaced() -> None:
    assert is_genuine(BODY, signature(BODY, "new"), ["new", "old"])
    assert is_genuine(BODY, f" {signature(BODY, 'old')}\n", ["new", "old"])


@pytest.mark.parametrize(
    "given", ["", "x", "=" * 44, "é", "\udcff", signature(BODY, "other"), signature(b"{}", "new")]
)
def test_anything_else_is_forged(given: str) -> None:
    assert not is_genuine(BODY, given, ["new"])


def test_the_same_json_written_anew_is_another_body() -> None:
    assert not is_genuine(b'{"id":727}', signature(BODY, "new"), ["new"])


def test_without_a_secret_nothing_is_genuine() -> None:
    assert not is_genuine(BODY, signature(BODY, ""), [])
