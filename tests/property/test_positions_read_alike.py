"""Positions are read alike by the reader written for their schema and by the careful one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stockfold.contracts.codec import encode
from stockfold.domain.errors import ContractError
from stockfold_services.availability import records
from stockfold_services.availability.records import read_position

longs = st.integers(-(2**63), 2**63 - 1)
names = st.text(max_size=8)
bodies = st.fixed_dictionaries(
    {
        "sku": names,
        "location": names,
        "seq": longs,
        "on_hand": longs,
        "quality_hold": longs,
        "damaged": longs,
        "in_transit": longs,
        "reserved": longs,
        "allocated": longs,
        "atp": longs,
        "claims": st.lists(
            st.fixed_dictionaries({"channel": names, "reserved": longs, "allocated": longs}),
            max_size=3,
        ),
        "expected": st.lists(
            st.fixed_dictionaries(
                {
                    "inbound": names,
                    "line": names,
                    "quantity": longs,
                    "eta": st.none() | st.integers(0, 2**52),
                    "confidence": st.integers(0, 100),
                }
            ),
            max_size=3,
        ),
        "recorded_at": st.integers(0, 2**52),
        "correlation_id": names,
        "caused_at": st.integers(0, 2**52),
    }
)


def outcome(read: Any, value: bytes) -> Any:
    try:
        return read(value)
    except ContractError as error:
        return error.kind


@given(bodies, st.integers(0, 400), st.binary(max_size=2))
def test_whole_and_damaged_positions_are_read_alike(
    body: dict[str, Any], cut: int, more: bytes
) -> None:
    whole = encode("stockfold.Position", body)
    for value in (whole, whole[:cut] + more, whole + more):
        careful = outcome(records._read_carefully, value)
        assert outcome(read_position, value) == careful
