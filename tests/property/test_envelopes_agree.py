"""Headers in the order of ``build`` are read on a path of their own: the other is its oracle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockfold.contracts import envelope
from stockfold.domain.errors import ContractError

USUAL = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type")
RAW = {
    "ce_specversion": st.sampled_from([b"1.0", b"1", b"0.3", None]),
    "ce_id": st.sampled_from([b"e-1", "é".encode(), b"\xff", b"", b"x" * 512, b"x" * 513, None]),
    "ce_source": st.sampled_from([b"/erp", b"\xff", b"", b"x" * 513, None]),
    "ce_type": st.sampled_from([b"stockfold.GoodsReceived", b"\xff", b"", None]),
    "ce_time": st.sampled_from(
        [
            b"2026-11-01T12:00:00.000001Z",
            b"2026-11-01T12:00:00Z",
            b"2026-11-01T14:00:00+02:00",
            b"2026-11-01T12:00:00",
            b"yesterday",
            b"\xff",
            None,
        ]
    ),
    "content-type": st.just(b"application/avro"),
    "correlationid": st.sampled_from([b"c-1", b"\xff", b"", None]),
}


def outcome(headers: list[tuple[str, bytes | None]]) -> object:
    try:
        return envelope.parse(headers)
    except ContractError as error:
        return error.kind, error.what


@given(st.data(), st.sampled_from([*USUAL, ""]))
def test_headers_mean_the_same_in_any_order_and_company(data, twice: str) -> None:
    headers = [(name, data.draw(values)) for name, values in RAW.items()]
    if twice:
        headers[data.draw(st.integers(0, len(headers) - 1))] = (twice, data.draw(RAW[twice]))
    assert outcome(headers) == outcome([*headers, ("unknown", b"x")])
