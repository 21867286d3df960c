"""Our Fetch says and reads the same bytes as aiokafka's; a session tells only what changes."""

from __future__ import annotations

from io import BytesIO

from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11
from hypothesis import given
from hypothesis import strategies as st

from stockfold.runtime.fetch_requests import Fetch, FetchAnswer, Place, Row, Session

SIZES = (1 << 20, 1 << 18)
PLACES = st.tuples(st.sampled_from(["a", "b.c", "Ü"]), st.integers(0, 63))
OFFSETS = st.integers(0, 2**62)
WANTED = st.dictionaries(PLACES, OFFSETS, max_size=12)


def topics_of(rows: dict[Place, object]) -> list[tuple[str, list[object]]]:
    topics: dict[str, list[object]] = {}
    for (topic, _), row in rows.items():
        topics.setdefault(topic, []).append(row)
    return list(topics.items())


def bytes_of(request: Fetch) -> bytes:
    return bytes(request.prepare({1: (4, 17)}).encode())


def told(request: Fetch) -> tuple[int, int, dict[Place, int], list[Place]]:
    """(session, epoch, offsets, forgotten) as aiokafka's description of the request reads it."""
    found = FetchRequest_v11.decode(bytes_of(request))
    offsets = {(topic, row[0]): row[2] for topic, rows in found.topics for row in rows}
    dropped = [(topic, number) for topic, rows in found.forgotten_topics_data for number in rows]
    return found.session_id, found.session_epoch, offsets, dropped


@given(WANTED)
def test_the_first_request_is_aiokafkas(wanted: dict[Place, int]) -> None:
    rows = {place: (place[1], offset, SIZES[1]) for place, offset in wanted.items()}
    theirs = FetchRequest(10, 64, SIZES[0], 1, topics_of(rows)).build(FetchRequest_v11)
    theirs.session_id = 0
    theirs.session_epoch = 0
    assert bytes_of(Session().ask(wanted, 10, 64, SIZES)) == theirs.encode()


@given(
    st.dictionaries(
        PLACES,
        st.tuples(
            st.integers(0, 90),
            OFFSETS,
            st.none() | st.lists(st.tuples(OFFSETS, OFFSETS), max_size=3),
            st.none() | st.binary(max_size=40),
        ),
        max_size=8,
    )
)
def test_an_answer_is_read_as_aiokafka_writes_it(
    rows: dict[Place, tuple[int, int, list[tuple[int, int]] | None, bytes | None]],
) -> None:
    answer = FetchResponse_v11(
        0,
        0,
        77,
        topics_of(
            {
                place: (place[1], code, 9, stable, 0, aborted, -1, raw)
                for place, (code, stable, aborted, raw) in rows.items()
            }
        ),
    )
    header = b"head"
    data = BytesIO(header + answer.encode())
    data.seek(len(header))
    read = FetchAnswer.decode(data)
    assert (read.error, read.session_id) == (0, 77)
    found = {row.place: row for row in read.rows}
    assert found == {
        place: Row(place, code, stable, aborted or [], memoryview(raw or b""))
        for place, (code, stable, aborted, raw) in rows.items()
    }


@given(st.lists(st.tuples(WANTED, st.sampled_from(["answered", "refused", "no session"]))))
def test_what_a_broker_remembers_is_what_is_wanted(
    steps: list[tuple[dict[Place, int], str]],
) -> None:
    session = Session()
    remembered: dict[Place, int] = {}
    expected_epoch, known_id = 0, 0
    for wanted, outcome in steps:
        session_id, epoch, offsets, dropped = told(session.ask(wanted, 10, 1, SIZES))
        assert (session_id, epoch) == (known_id, expected_epoch)
        if epoch == 0:
            assert not dropped
            remembered = {}
        assert not any(remembered.get(place) == offset for place, offset in offsets.items())
        remembered.update(offsets)
        for place in dropped:
            del remembered[place]
        assert remembered == wanted
        if outcome == "answered":
            known_id, expected_epoch = 5, epoch + 1
            session.answered(5)
        elif outcome == "no session":
            known_id, expected_epoch = 0, 0
            session.answered(0)
        else:
            expected_epoch = 0
            session.restart()
