"""Single writes and look-ups of the Walmart adapter, against the imitated Walmart."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.walmart import Talk, sent_json

from stockfold.channels import Failure, OutcomeKind, Purpose, Response, StockUpdate, TroubleKind
from stockfold.channels.conformance import Fault
from stockfold.channels.kinds import Terms
from stockfold.channels.port import Metered, Renewing, Restored
from stockfold.channels.walmart.errors import of_body, wait_s
from stockfold.channels.walmart.fake import WalmartSubject
from stockfold.channels.walmart.kind import KIND
from stockfold.channels.walmart.options import WalmartOptions
from stockfold.domain.errors import SettingsError

EAST, WEST = "1000005050", "79897837271126017"


def default_node(**options: object) -> Talk:
    return Talk(WalmartSubject({}), **options)


def several_nodes(**options: object) -> Talk:
    return Talk(WalmartSubject(), **options)


def kinds(talk: Talk, purpose: Purpose) -> list[str]:
    return [f"{one.method} {one.path}" for one in talk.asked if one.purpose is purpose]


def test_a_sku_is_looked_at_once_and_then_written() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    assert talk.until_told([StockUpdate("A", 7, 1)])["A"].kind is OutcomeKind.APPLIED
    assert talk.until_told([StockUpdate("A", 9, 2)])["A"].kind is OutcomeKind.APPLIED
    assert kinds(talk, Purpose.LOOK_UP) == ["GET /v3/feeds", "GET /v3/inventory"]
    assert kinds(talk, Purpose.WRITE) == ["PUT /v3/inventory"] * 2
    assert talk.subject.writes == (("A", 7), ("A", 9))
    shown = [(one.quantity, one.written) for answer in talk.answers for one in answer.observed]
    assert shown == [(3, None), (7, 7), (9, 9)]


def test_what_shows_already_what_it_shall_is_not_written() -> None:
    talk = default_node()
    talk.subject.list("A", 7)
    assert talk.until_told([StockUpdate("A", 7, 1)])["A"].kind is OutcomeKind.APPLIED
    assert not talk.subject.writes


def test_many_skus_are_looked_at_fifty_at_a_time() -> None:
    talk = default_node(list_from=100, feed_from=0)
    updates = [StockUpdate(f"S{number}", 5, 1) for number in range(120)]
    for update in updates:
        talk.subject.list(update.sku, 5)
    talk.until_told([*updates, StockUpdate("NOBODYS", 5, 1)])
    asked = kinds(talk, Purpose.LOOK_UP)
    assert asked == ["GET /v3/feeds", *["GET /v3/inventories"] * 3, "GET /v3/inventory"]
    assert sum(len(answer.observed) for answer in talk.answers) == 120


def test_two_questions_for_one_page_do_not_end_the_list() -> None:
    talk = default_node(list_from=100, feed_from=0)
    updates = [StockUpdate(f"S{number}", 5, 1) for number in range(200)]
    for update in updates:
        talk.subject.list(update.sku, 5)
    talk.turn(updates)
    first, second = (talk.adapter.next_request(part) for part in (updates[:100], updates[100:]))
    assert first is not None
    assert second is not None
    assert first.path == second.path == "/v3/inventories"
    for request in (first, second):
        talk.adapter.receive(request, talk.send(request))
    talk.until_told(updates[50:])
    assert "GET /v3/inventory" not in kinds(talk, Purpose.LOOK_UP)


def test_a_sku_that_is_not_listed_is_unmapped_and_looked_at_again_later() -> None:
    talk = default_node()
    told = talk.until_told([StockUpdate("A", 7, 1)])["A"]
    assert (told.kind, told.code) == (OutcomeKind.UNMAPPED, "CONTENT_NOT_FOUND")
    talk.subject.list("A", 1)
    talk.until_told([StockUpdate("A", 7, 1)])
    talk.subject.unlist("A")
    assert talk.until_told([StockUpdate("A", 8, 2)])["A"].kind is OutcomeKind.UNMAPPED
    assert not talk.adapter._lookups.sees("A")


def test_a_write_that_is_refused_says_why() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.subject.spoil("A")
    told = talk.until_told([StockUpdate("A", 7, 1)])["A"]
    assert (told.kind, told.code) == (OutcomeKind.REJECTED, "INVALID_REQUEST_CONTENT")
    assert told.detail == "HTTP 400: sku: the item cannot have stock"


def test_units_sold_there_are_not_taken_away_because_walmart_does() -> None:
    adapter = default_node().adapter
    assert adapter.to_show(StockUpdate("A", 7, 1, unseen=3)).quantity == 7
    assert adapter.to_show(StockUpdate("A", -7, 1)).quantity == 0
    assert adapter.to_show(StockUpdate("A", 7, 1, restored=Restored(-2))).quantity == 0


def test_each_ship_node_gets_its_own_units() -> None:
    talk = several_nodes()
    talk.subject.list("A", 0)
    update = StockUpdate("A", 12, 1, locations=(("east", 4), ("west", 8)))
    assert talk.until_told([update])["A"].kind is OutcomeKind.APPLIED
    assert talk.subject.shows_at("A") == {EAST: 4, WEST: 8}
    talk.until_told([StockUpdate("A", 5, 2, locations=(("west", 5),))])
    assert talk.subject.shows_at("A") == {EAST: 0, WEST: 5}, "what is not named has none"


def test_units_at_a_location_that_is_no_ship_node_are_not_shown() -> None:
    shown = several_nodes().adapter.to_show(
        StockUpdate("A", 9, 1, locations=(("east", 4), ("outlet", 5)))
    )
    assert (shown.quantity, shown.locations) == (4, ((EAST, 4), (WEST, 0)))


def test_without_a_breakdown_nothing_is_written_to_several_nodes() -> None:
    talk = several_nodes(undivided_node="")
    talk.subject.list("A", 3)
    told = talk.until_told([StockUpdate("A", 9, 1)])["A"]
    assert (told.kind, told.code) == (OutcomeKind.REJECTED, "no_breakdown")
    assert "per_location" in told.detail
    assert not talk.subject.writes
    assert talk.until_told([StockUpdate("A", 0, 2)])["A"].kind is OutcomeKind.APPLIED
    assert talk.subject.shows("A") == 0, "nothing is the same at every node"


def test_or_all_of_it_is_shown_at_the_node_that_is_named_for_it() -> None:
    talk = several_nodes(undivided_node=WEST)
    talk.subject.list("A", 3)
    talk.until_told([StockUpdate("A", 9, 1)])
    assert talk.subject.shows_at("A") == {EAST: 0, WEST: 9}


def test_a_single_ship_node_has_all() -> None:
    talk = Talk(WalmartSubject({"east": EAST}), undivided_node="")
    talk.subject.list("A", 3)
    talk.until_told([StockUpdate("A", 9, 1)])
    assert talk.subject.shows_at("A") == {EAST: 9}


def test_a_node_that_walmart_does_not_know_is_told_by_its_name() -> None:
    talk = several_nodes()
    talk.subject.list("A", 3)
    talk.subject.stock.nodes = (EAST,)
    update = StockUpdate("A", 12, 1, locations=(("east", 4), ("west", 8)))
    told = talk.until_told([update])["A"]
    assert (told.kind, told.code) == (OutcomeKind.REJECTED, "INVALID_REQUEST_PARAM")
    assert told.detail == f"ship node {WEST}: no such ship node"


def test_a_sku_is_one_segment_of_the_path_whatever_is_in_it() -> None:
    talk = several_nodes()
    talk.subject.list("A/B %2F", 0)
    told = talk.until_told([StockUpdate("A/B %2F", 5, 1)])
    assert told["A/B %2F"].kind is OutcomeKind.APPLIED
    assert kinds(talk, Purpose.WRITE) == ["PUT /v3/inventories/A%2FB%20%252F"]


def test_an_unclear_write_is_told_as_unclear_and_repeated() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.turn([StockUpdate("A", 7, 1)])
    talk.turn([StockUpdate("A", 7, 1)])
    talk.subject.fail(Fault.LOST)
    answer = talk.turn([StockUpdate("A", 7, 1)])
    assert answer.trouble is not None
    assert answer.outcomes[0].kind is OutcomeKind.RETRYABLE
    assert talk.until_told([StockUpdate("A", 7, 1, 1)])["A"].kind is OutcomeKind.APPLIED
    assert talk.subject.writes == (("A", 7), ("A", 7))


def test_a_token_that_ends_early_is_renewed_without_a_word() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.until_told([StockUpdate("A", 7, 1)])
    talk.subject.fail(Fault.EXPIRED)
    assert talk.turn([StockUpdate("A", 8, 2)]) == msgspec.structs.replace(talk.answers[-1])
    assert talk.answers[-1].trouble is None
    assert talk.until_told([StockUpdate("A", 8, 2)])["A"].kind is OutcomeKind.APPLIED


def test_credentials_that_are_refused_with_every_new_token_are_told() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.subject.fail(Fault.EXPIRED, 3)
    answers = [talk.turn([StockUpdate("A", 7, 1)]) for _ in range(3)]
    assert [answer.trouble for answer in answers[:2]] == [None, None]
    trouble = answers[2].trouble
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (TroubleKind.REFUSED, "UNAUTHORIZED")


def test_every_request_has_a_correlation_id_of_its_own_and_no_secret_but_the_token() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    for version in range(1, 5):
        talk.until_told([StockUpdate("A", 7 + version, version)])
    ids = [dict(request.headers)["wm_qos.correlation_id"] for request in talk.asked]
    assert len(set(ids)) == len(ids) == 6
    assert talk.subject.credentials["client_secret"] not in repr(talk.asked)
    first = talk.adapter.renewal(0)
    talk.restarted()
    again, later = talk.adapter.renewal(0), talk.adapter.renewal(60)
    told = [dict(one.headers)["wm_qos.correlation_id"] for one in (again, later) if one]
    assert first is None
    assert len(set(told)) == 2


def test_budgets_are_of_the_seller_and_the_operation_and_follow_what_walmart_tells() -> None:
    talk = default_node(writes_per_min=120)
    talk.subject.list("A", 3)
    assert isinstance(talk.adapter, Metered)
    assert isinstance(talk.adapter, Renewing)
    talk.until_told([StockUpdate("A", 7, 1)])
    (charge,) = talk.adapter.charges(talk.asked[-1])
    assert (charge.bucket, charge.per_s, charge.burst) == (
        "walmart 10000000354 PUT inventory",
        2.0,
        120.0,
    )
    assert talk.answers[-1].levels == ((charge.bucket, 199.0),)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7", "x-next-replenishment-time": "99"}, 7.0),
        ({"x-next-replenishment-time": "12"}, 12.0),
        ({"x-next-replenishment-time": "1700000030000"}, 30.0),
        ({"x-next-replenishment-time": "2023-11-14T22:13:50Z"}, 30.0),
        ({"x-next-replenishment-time": "2023-11-14T22:13:50"}, None),
        ({"x-next-replenishment-time": "1699999999000"}, None),
        ({"x-next-replenishment-time": "soon"}, None),
        ({"x-next-replenishment-time": "nan"}, None),
        ({"x-next-replenishment-time": "9e99"}, 3_600.0),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    date = {"date": "Tue, 14 Nov 2023 22:13:20 GMT"}
    assert wait_s(Response(429, date | headers, b"")) == seconds


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":[{"code":"SYSTEM_ERROR.GMP_X","description":"down","category":"SYSTEM"}]}',
        b'{"errors":{"error":[{"code":"SYSTEM_ERROR","info":"down","category":"system"}]}}',
        b'{"error":[{"code":"SYSTEM_ERROR.A","message":"down","type":"SYSTEM"}]}',
        b'{"errors":[{"code":"W","severity":"WARN"},{"code":"SYSTEM_ERROR","message":"down"}]}',
    ],
)
def test_errors_are_read_in_every_shape(body: bytes) -> None:
    told = of_body(body)
    assert (told.code, told.detail, told.passes) == ("SYSTEM_ERROR", "down", True)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(403, {}, b'{"errors":[{"code":"FORBIDDEN"}]}'), TroubleKind.REFUSED),
        (Response(404, {}, b"<html>"), TroubleKind.REFUSED),
        (Response(503, {}, b""), TroubleKind.UNAVAILABLE),
        (Response(200, {}, b"<html>"), TroubleKind.UNAVAILABLE),
        (Response(200, {}, b'{"sku":"B","quantity":{"amount":7}}'), TroubleKind.UNAVAILABLE),
        (Failure("timeout", "30 s"), TroubleKind.UNAVAILABLE),
    ],
)
def test_what_is_the_matter_with_the_channel_is_told(
    response: Response | Failure, kind: TroubleKind
) -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.turn([StockUpdate("A", 7, 1)])
    talk.turn([StockUpdate("A", 7, 1)])
    request = talk.adapter.next_request([StockUpdate("A", 7, 1)])
    assert request is not None
    assert request.purpose is Purpose.WRITE
    trouble = talk.adapter.receive(request, response).trouble
    assert trouble is not None
    assert trouble.kind is kind


def test_an_item_that_is_locked_or_echoed_otherwise_is_tried_again() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.turn([StockUpdate("A", 7, 1)])
    talk.turn([StockUpdate("A", 7, 1)])
    request = talk.adapter.next_request([StockUpdate("A", 7, 1)])
    assert request is not None
    locked = Response(
        423, {}, b'{"errors":[{"code":"RESOURCE_IS_LOCKED","category":"APPLICATION"}]}'
    )
    other = Response(200, {}, b'{"sku":"A","quantity":{"unit":"EACH","amount":6}}')
    for answer in (locked, other):
        (outcome,) = talk.adapter.receive(request, answer).outcomes
        assert outcome.kind is OutcomeKind.RETRYABLE


def test_the_settings_of_a_market_go_into_headers_and_paths() -> None:
    talk = default_node(base_path="/ca/v3", market="ca", channel_type="0f3e", global_version="")
    request = talk.adapter.renewal(0)
    assert request is not None
    assert request.path == "/ca/v3/token"
    headers = dict(request.headers)
    assert (headers["wm_market"], headers["wm_consumer.channel.type"]) == ("ca", "0f3e")
    assert "wm_global_version" not in headers


def test_a_node_for_what_is_undivided_must_be_one_of_the_named() -> None:
    options = WalmartOptions(seller="1", undivided_node="nowhere")
    terms = Terms("us", "https://walmart.test", str, options, {"east": EAST})
    with pytest.raises(SettingsError, match="undivided_node of channel us is none"):
        KIND.adapter(terms)


def test_the_body_of_a_write_is_as_walmart_wants_it() -> None:
    talk = default_node()
    talk.subject.list("A", 3)
    talk.until_told([StockUpdate("A", 7, 1)])
    assert sent_json(talk.asked[-1]) == {"sku": "A", "quantity": {"unit": "EACH", "amount": 7}}
