"""The HTTP channel: what goes out, and what answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from infra.generate.http_channel import FOLDER, render
from pydantic import ValidationError
from tests.support.http_channel import (
    adapter,
    ask,
    body_of,
    kinds,
    publish,
    reply,
    updates,
    written,
)

from stockfold.channels import (
    Failure,
    OutcomeKind,
    Promise,
    Purpose,
    StockUpdate,
    TroubleKind,
)
from stockfold.channels.conformance import Fault
from stockfold.channels.http.fake import ITEMS_MAX, LATER_FROM, HttpReceiver
from stockfold.channels.http.options import HttpOptions

NAMES = [f"SKU-{number}" for number in range(LATER_FROM)]


def told(*results: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {"results": list(results), **beside}


# What goes out.


def test_a_message_holds_what_the_receiver_needs_to_sell_by() -> None:
    update = StockUpdate("A", 5, 7, locations=(("berlin", 3), ("leipzig", 2)))
    request = written(adapter(), update)
    assert (request.purpose, request.method, request.path) == (Purpose.WRITE, "POST", "/stockfold")
    assert body_of(request) == {
        "type": "stockfold.availability.v1",
        "data": {
            "channel": "own",
            "items": [
                {
                    "sku": "A",
                    "version": 7,
                    "quantity": 5,
                    "ahead": 0,
                    "status": "in_stock",
                    "next_available": None,
                    "lead_time_days": None,
                    "locations": [
                        {"location": "B-1", "quantity": 3},
                        {"location": "leipzig", "quantity": 2},
                    ],
                }
            ],
        },
    }


def test_units_that_are_not_there_are_no_stock() -> None:
    promise = Promise("preorder", next_available=20_788, lead_time_days=4)
    item = body_of(written(adapter(), StockUpdate("A", 5, 7, promise=promise)))["data"]["items"][0]
    assert (item["quantity"], item["ahead"], item["status"]) == (0, 5, "preorder")
    assert (item["next_available"], item["lead_time_days"]) == ("2026-12-01", 4)


def test_what_is_below_zero_is_nothing_and_out_of_stock() -> None:
    update = StockUpdate("A", -3, 7, locations=(("berlin", -3),))
    item = body_of(written(adapter(), update))["data"]["items"][0]
    assert (item["quantity"], item["status"]) == (0, "out_of_stock")
    assert item["locations"] == [{"location": "B-1", "quantity": 0}]


def test_locations_never_promise_more_than_there_is_to_sell() -> None:
    update = StockUpdate("A", 5, 7, unseen=3, locations=(("berlin", 1), ("hamburg", 4)))
    item = body_of(written(adapter(), update))["data"]["items"][0]
    assert item["quantity"] == 2
    assert [one["quantity"] for one in item["locations"]] == [1, 1]


def test_a_message_has_no_more_items_than_wanted_and_halves_with_every_failure() -> None:
    channel = adapter(items_max=8)
    assert len(written(channel, *updates(*NAMES)).updates) == 8
    assert len(written(channel, *updates(*NAMES, failures=2)).updates) == 2
    assert len(written(channel, *updates(*NAMES, failures=7)).updates) == 1
    few = channel.next_request(updates(*NAMES), 3)
    assert few is not None
    assert len(few.updates) == 3


def test_the_schemas_are_those_of_the_messages() -> None:
    for name, text in render().items():
        on_file = (FOLDER / name).read_text("utf-8")
        assert on_file == text, "run: python -m infra.generate.http_channel"


# What answers mean.


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_without_a_body_means_all_of_it(status: int) -> None:
    channel = adapter()
    answer = channel.receive(written(channel, *updates("A", "B")), reply(status))
    assert kinds(answer) == [("A", OutcomeKind.APPLIED, ""), ("B", OutcomeKind.APPLIED, "")]
    assert answer.trouble is None


@pytest.mark.parametrize("status", [200, 207, 409, 422])
def test_results_are_of_single_items_whatever_the_status_beside_them(status: int) -> None:
    channel = adapter()
    results = told(
        {"sku": "A", "outcome": "applied", "quantity": 4, "code": "sold", "detail": "one is sold"},
        {"sku": "B", "outcome": "stale", "version": 9, "quantity": 2},
        {"sku": "C", "outcome": "rejected", "code": "blocked", "detail": "by the merchant"},
        {"sku": "D", "outcome": "unmapped"},
        {"sku": "E", "outcome": "failed", "retry_after_s": 7},
        {"sku": "Z", "outcome": "applied"},
    )
    request = written(channel, *updates("A", "B", "C", "D", "E", "F"))
    answer = channel.receive(request, reply(status, results))
    assert kinds(answer) == [
        ("A", OutcomeKind.APPLIED, "sold"),
        ("B", OutcomeKind.REJECTED, "stale"),
        ("C", OutcomeKind.REJECTED, "blocked"),
        ("D", OutcomeKind.UNMAPPED, "unmapped"),
        ("E", OutcomeKind.RETRYABLE, "failed"),
        ("F", OutcomeKind.RETRYABLE, "not_told"),
    ]
    assert answer.trouble is None
    assert answer.outcomes[1].detail == "the receiver has version 9 of it"
    assert answer.outcomes[4].retry_after_s == 7
    seen = [(one.sku, one.quantity, one.written) for one in answer.observed]
    assert seen == [("A", 4, 5), ("B", 2, None)]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Please sign in</html>",
        [],
        {"ok": True},
        told({"sku": "A", "outcome": "done"}),
        told({"sku": "A", "outcome": "applied"}, {"sku": "A", "outcome": "rejected"}),
        told({"sku": "A", "outcome": "accepted"}),
        told({"sku": "A", "outcome": "failed", "retry_after_s": -1}),
    ],
)
def test_a_success_that_is_no_answer_of_a_receiver_proves_nothing(body: Any) -> None:
    channel = adapter()
    answer = channel.receive(written(channel, *updates("A")), reply(200, body))
    assert kinds(answer) == [("A", OutcomeKind.RETRYABLE, "not_understood")]
    assert answer.trouble is not None
    assert answer.trouble.kind is TroubleKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (301, TroubleKind.REFUSED, "redirected"),
        (401, TroubleKind.REFUSED, "http_401"),
        (403, TroubleKind.REFUSED, "http_403"),
        (404, TroubleKind.REFUSED, "no_receiver"),
        (405, TroubleKind.REFUSED, "no_receiver"),
        (410, TroubleKind.REFUSED, "gone"),
        (429, TroubleKind.LIMITED, "http_429"),
    ],
)
def test_a_channel_that_does_not_serve_counts_nothing_against_the_updates(
    status: int, kind: TroubleKind, code: str
) -> None:
    channel = adapter()
    answer = channel.receive(written(channel, *updates("A")), reply(status))
    assert answer.outcomes == ()
    assert answer.trouble is not None
    assert (answer.trouble.kind, answer.trouble.code) == (kind, code)


@pytest.mark.parametrize("response", [reply(500), reply(503), reply(408), Failure("timeout", "")])
def test_what_may_have_been_done_is_sent_again(response: Any) -> None:
    channel = adapter()
    answer = channel.receive(written(channel, *updates("A")), response)
    assert [o.kind for o in answer.outcomes] == [OutcomeKind.RETRYABLE]
    assert answer.outcomes[0].whole_request
    assert answer.trouble is not None


@pytest.mark.parametrize("status", [400, 415, 422])
def test_a_message_that_is_called_wrong_is_split_until_the_culprit_is_alone(status: int) -> None:
    channel = adapter()
    together = channel.receive(written(channel, *updates("A", "B")), reply(status, b"no"))
    alone = channel.receive(written(channel, *updates("A")), reply(status, b"no"))
    assert {kind for _, kind, _ in kinds(together)} == {OutcomeKind.RETRYABLE}
    assert kinds(alone) == [("A", OutcomeKind.REJECTED, f"http_{status}")]
    assert together.trouble is None
    assert alone.trouble is None


def test_a_conflict_passes() -> None:
    channel = adapter()
    answer = channel.receive(written(channel, *updates("A")), reply(409))
    assert kinds(answer) == [("A", OutcomeKind.RETRYABLE, "http_409")]


def test_a_message_that_is_too_large_is_sent_in_smaller_ones_from_then_on() -> None:
    channel = adapter()
    answer = channel.receive(written(channel, *updates(*NAMES)), reply(413))
    assert (answer.outcomes, answer.trouble) == ((), None)
    assert len(written(channel, *updates(*NAMES)).updates) == len(NAMES) // 2
    alone = channel.receive(written(channel, *updates("A")), reply(413))
    assert kinds(alone) == [("A", OutcomeKind.REJECTED, "too_large")]


def test_a_probe_changes_nothing_and_is_judged_like_any_message() -> None:
    channel, receiver = adapter(), HttpReceiver()
    probe = channel.probe(updates("A"))
    assert probe.updates == ()
    assert ask(channel, probe, receiver).trouble is None
    for response in (reply(200, b"<html>"), reply(400), reply(503), reply(404)):
        assert channel.receive(probe, response).trouble is not None


# The whole way.


@pytest.mark.parametrize("fault", list(Fault))
def test_whatever_goes_wrong_every_listing_shows_its_quantity_in_the_end(fault: Fault) -> None:
    channel, receiver = adapter(), HttpReceiver()
    names = [f"SKU-{number}" for number in range(3 * LATER_FROM)]
    for name in names:
        receiver.list(name)
    receiver.fail(fault, 2)
    done = publish(channel, receiver, *updates(*names))
    assert set(done.values()) == {OutcomeKind.APPLIED}
    assert {receiver.shows(name) for name in names} == {5}


def test_one_item_that_fails_leaves_the_others_be() -> None:
    channel, receiver = adapter(), HttpReceiver()
    for name in ("A", "B"):
        receiver.list(name)
    receiver.spoil("B")
    assert publish(channel, receiver, *updates("A", "B", "C")) == {
        "A": OutcomeKind.APPLIED,
        "B": OutcomeKind.REJECTED,
        "C": OutcomeKind.UNMAPPED,
    }


def test_more_items_than_the_receiver_takes_reach_it_in_smaller_messages() -> None:
    channel, receiver = adapter(items_max=1_000), HttpReceiver()
    names = [f"SKU-{number}" for number in range(2 * ITEMS_MAX + 50)]
    for name in names:
        receiver.list(name)
    due = updates(*names)
    request = channel.next_request(due, 1_000)
    assert request is not None
    assert len(request.updates) > ITEMS_MAX
    ask(channel, request, receiver)
    smaller = channel.next_request(due, 1_000)
    assert smaller is not None
    assert len(smaller.updates) == len(names) // 2
    assert set(publish(channel, receiver, *due).values()) == {OutcomeKind.APPLIED}
    assert receiver.items_most <= ITEMS_MAX


# Settings.


@pytest.mark.parametrize(
    "options",
    [
        {"path": "stock"},
        {"path": "/stock?token=1"},
        {"method": "GET"},
        {"items_max": 0},
        {"id_header": "not a header"},
        {"id_header": "Webhook-Signature"},
        {"timestamp_header": "Content-Type"},
        {"colour": "red"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpOptions.model_validate(options)


def test_a_rate_is_a_budget_that_all_connections_to_the_receiver_share() -> None:
    request = written(adapter(), *updates("A"))
    assert adapter().charges(request) == ()
    (charge,) = adapter(requests_per_s=0.5).charges(request)
    assert (charge.bucket, charge.per_s, charge.burst) == (
        "http https://receiver.example/stockfold",
        0.5,
        1.0,
    )
