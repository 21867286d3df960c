"""What an HTTP answer says of a channel, whichever vendor's it is."""

from __future__ import annotations

import pytest

from stockfold.channels import (
    Failure,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    StockUpdate,
    TroubleKind,
    statuses,
)

UPDATES = (StockUpdate("A", 1, 1), StockUpdate("B", 2, 1))
WRITE = Request(Purpose.WRITE, "POST", "/stock", UPDATES)
NOON = "Mon, 02 Nov 2026 12:00:00 GMT"
A_MINUTE_LATER = "Mon, 02 Nov 2026 12:01:00 GMT"


def reply(status: int, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, body)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (429, TroubleKind.LIMITED, "http_429"),
        (401, TroubleKind.REFUSED, "http_401"),
        (403, TroubleKind.REFUSED, "http_403"),
        (301, TroubleKind.REFUSED, "redirected"),
        (408, TroubleKind.UNAVAILABLE, "http_408"),
        (500, TroubleKind.UNAVAILABLE, "http_500"),
        (503, TroubleKind.UNAVAILABLE, "http_503"),
    ],
)
def test_some_statuses_speak_of_the_channel(status: int, kind: TroubleKind, code: str) -> None:
    trouble = statuses.trouble_of(reply(status))
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (kind, code)


@pytest.mark.parametrize("status", [200, 204, 207, 400, 404, 409, 410, 413, 422])
def test_others_speak_of_the_request_alone(status: int) -> None:
    assert statuses.trouble_of(reply(status, retry_after="5")) is None


def test_the_vendors_own_words_are_told_where_there_are_any() -> None:
    response = reply(503, b"<html>\n <h1>gone   fishing</h1>")
    bare = statuses.trouble_of(response)
    told = statuses.trouble_of(response, "MAINTENANCE", "back at noon")
    assert bare is not None
    assert told is not None
    assert bare.detail == "HTTP 503: <html> <h1>gone fishing</h1>"
    assert (told.code, told.detail) == ("MAINTENANCE", "HTTP 503: back at noon")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        (A_MINUTE_LATER, 60.0),
        ("999999", 3600.0),
        ("inf", 3600.0),
        ("", None),
        ("-1", None),
        ("nan", None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_more_than_an_hour(
    told: str, seconds: float | None
) -> None:
    assert statuses.retry_after_s(reply(429, retry_after=told, date=NOON)) == seconds


def test_a_date_to_wait_for_means_nothing_without_the_channels_own_time() -> None:
    assert statuses.retry_after_s(reply(429, retry_after=A_MINUTE_LATER)) is None


@pytest.mark.parametrize("body", [b'{"update":"\xe4"}', b"[" * 100_000, b"", b"<html>"])
def test_what_is_no_utf_8_or_too_deep_is_no_json_and_no_crash(body: bytes) -> None:
    with pytest.raises(statuses.NotJsonError):
        statuses.decoded(body)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert statuses.decoded(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize(
    ("code", "kind"),
    [("connect", TroubleKind.UNAVAILABLE), ("credentials", TroubleKind.REFUSED)],
)
def test_what_was_never_sent_counts_against_no_update(code: str, kind: TroubleKind) -> None:
    answer = statuses.unanswered(WRITE, Failure(code, "no way"))
    assert answer.outcomes == ()
    assert answer.trouble is not None
    assert answer.trouble.kind is kind


def test_what_may_have_arrived_is_tried_again_as_a_whole() -> None:
    answer = statuses.unanswered(WRITE, Failure("timeout", "no answer"))
    assert [(o.update.sku, o.kind, o.whole_request) for o in answer.outcomes] == [
        ("A", OutcomeKind.RETRYABLE, True),
        ("B", OutcomeKind.RETRYABLE, True),
    ]
