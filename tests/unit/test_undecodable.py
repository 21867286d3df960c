"""What is said of a body that does not decode: in our words, and the same in each process."""

from __future__ import annotations

import pytest

from stockfold.contracts.codec import decode, encode
from stockfold.domain.errors import ContractError

RECEIPT = encode(
    "stockfold.GoodsReceived",
    {"sku": "SKU", "location": "DC", "quantity": 3, "condition": "on_hand"},
)
SKU_AT = RECEIPT.index(b"SKU")


def said_of(value: bytes) -> str:
    with pytest.raises(ContractError) as caught:
        decode(value)
    assert caught.value.kind == "undecodable"
    return caught.value.what


@pytest.mark.parametrize("end", range(5, len(RECEIPT)))
def test_a_body_that_is_cut_off_ends_too_early(end: int) -> None:
    assert "stockfold.GoodsReceived: it ends too early" in said_of(RECEIPT[:end])


def test_a_text_that_is_none_is_named_so() -> None:
    broken = RECEIPT[:SKU_AT] + b"\xff" + RECEIPT[SKU_AT + 1 :]
    assert said_of(broken).endswith("a text in it is not UTF-8")


def test_a_branch_that_the_schema_lacks_is_named_so() -> None:
    seen = set()
    for at in range(SKU_AT + 3, len(RECEIPT)):
        try:
            decode(RECEIPT[:at] + b"\x7e" + RECEIPT[at + 1 :])
        except ContractError as error:
            seen.add(error.what.partition(": ")[2])
    assert "it ends too early, or names a branch or symbol that its schema does not have" in seen


def test_bytes_behind_the_body_are_counted() -> None:
    assert said_of(RECEIPT + b"\0\0") == "2 bytes are left over behind stockfold.GoodsReceived"
