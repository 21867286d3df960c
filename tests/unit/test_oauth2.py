"""Access tokens: how they are asked for, how long they are kept, what is said when none come."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl

import msgspec
import pytest

from stockfold.channels import Failure, Response, TroubleKind
from stockfold.channels.oauth2 import (
    LIFE_S,
    MARGIN_S,
    UNPROVEN_MAX,
    Endpoint,
    Tokens,
    client_credentials,
    refresh_token,
)

NOW_S = 1_800_000_000
SECRETS = {"client_id": "the-id", "client_secret": "s3cret/+", "refresh_token": "Atzr|old"}
OF_URL = Endpoint(url="https://login.test/token", in_form=True)
OF_PATH = Endpoint("/v3/token", headers=(("wm_svc.name", "ours"),))


def granted(token: str = "t1", expires_in: object = 3_600) -> Response:
    body = {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
    return Response(200, {}, msgspec.json.encode(body))


def having(token: str = "t1", life_s: object = 3_600) -> Tokens:
    tokens = Tokens(client_credentials(OF_PATH, SECRETS.__getitem__))
    assert tokens.renewal(NOW_S) is not None
    assert tokens.renewed(granted(token, life_s), NOW_S) is None
    return tokens


def form_of(body: bytes | None) -> dict[str, str]:
    assert body is not None
    return dict(parse_qsl(body.decode(), strict_parsing=True))


def test_client_credentials_go_into_a_basic_header() -> None:
    request = client_credentials(OF_PATH, SECRETS.__getitem__, "a b")()
    assert (request.method, request.path, request.url) == ("POST", "/v3/token", "")
    assert form_of(request.body) == {"grant_type": "client_credentials", "scope": "a b"}
    headers = dict(request.headers)
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"the-id:s3cret/+"
    assert headers["wm_svc.name"] == "ours"
    assert headers["content-type"] == "application/x-www-form-urlencoded"


def test_or_into_the_form_where_the_vendor_wants_them_there() -> None:
    request = refresh_token(OF_URL, SECRETS.__getitem__)()
    assert request.url == "https://login.test/token"
    assert form_of(request.body) == {"grant_type": "refresh_token", **SECRETS}
    assert "authorization" not in dict(request.headers)


def test_secrets_are_read_anew_each_time() -> None:
    secrets = dict(SECRETS)
    tokens = Tokens(refresh_token(OF_URL, lambda name: secrets[name]))
    secrets["refresh_token"] = "Atzr|new"
    request = tokens.renewal(NOW_S)
    assert request is not None
    assert form_of(request.body)["refresh_token"] == "Atzr|new"


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    tokens = having(life_s=3_600)
    assert tokens.token == "t1"
    assert tokens.renewal(NOW_S + 3_600 - MARGIN_S - 1) is None
    assert tokens.renewal(NOW_S + 3_600 - MARGIN_S) is not None


def test_a_short_token_is_renewed_in_the_last_tenth_of_its_life() -> None:
    tokens = having(life_s="60")
    assert tokens.renewal(NOW_S + 53) is None
    assert tokens.renewal(NOW_S + 54) is not None


@pytest.mark.parametrize("told", [None, "soon", "inf"])
def test_a_token_whose_life_is_not_told_is_taken_for_a_short_one(told: object) -> None:
    tokens = having(life_s=told)
    assert tokens.renewal(NOW_S + LIFE_S // 2) is None
    assert tokens.renewal(NOW_S + LIFE_S) is not None


def test_a_renewal_that_fails_is_no_trouble_while_the_token_holds() -> None:
    tokens = having(life_s=3_600)
    late_s = NOW_S + 3_600 - MARGIN_S
    assert tokens.renewed(Failure("timeout", "30 s"), late_s) is None
    assert tokens.token == "t1"
    assert tokens.renewal(late_s + 1) is None
    assert tokens.renewal(late_s + MARGIN_S) is not None
    trouble = tokens.renewed(Failure("timeout", "30 s"), late_s + MARGIN_S)
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (TroubleKind.UNAVAILABLE, "timeout")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (Response(400, {}, b'{"error":"invalid_grant"}'), TroubleKind.REFUSED, "invalid_grant"),
        (Response(401, {}, b"{}"), TroubleKind.REFUSED, "http_401"),
        (Response(429, {"retry-after": "9"}, b""), TroubleKind.LIMITED, "http_429"),
        (Response(503, {}, b"<html>"), TroubleKind.UNAVAILABLE, "http_503"),
        (Response(200, {}, b"<html>"), TroubleKind.UNAVAILABLE, "no_token"),
        (Response(200, {}, b'{"access_token":""}'), TroubleKind.UNAVAILABLE, "no_token"),
        (Response(200, {}, b"\xff"), TroubleKind.UNAVAILABLE, "no_token"),
    ],
)
def test_without_a_token_it_is_said_what_is_the_matter(
    answer: Response, kind: TroubleKind, code: str
) -> None:
    trouble = Tokens(refresh_token(OF_URL, SECRETS.__getitem__)).renewed(answer, NOW_S)
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (kind, code)
    assert trouble.retry_after_s == (9.0 if answer.status == 429 else None)


def test_credentials_that_are_refused_are_trouble_at_once() -> None:
    tokens = having()
    trouble = tokens.renewed(Response(401, {}, b'{"error":"invalid_client"}'), NOW_S + 3_500)
    assert trouble is not None
    assert trouble.kind is TroubleKind.REFUSED


def test_a_token_that_the_channel_does_not_take_is_renewed_at_once() -> None:
    tokens = having()
    tokens.taken()
    assert tokens.forget()
    assert tokens.forget()  # A second request was under way with the same token.
    assert tokens.renewal(NOW_S + 1) is not None


def test_when_new_tokens_do_not_help_the_credentials_are_refused() -> None:
    tokens = having()
    for _ in range(UNPROVEN_MAX):
        assert tokens.forget()
        tokens.renewed(granted("another"), NOW_S)
    assert not tokens.forget()
    tokens.renewed(granted("good"), NOW_S)
    tokens.taken()
    assert tokens.forget()


def test_no_secret_shows_in_what_is_told() -> None:
    tokens = having("very-secret")
    assert "very-secret" not in repr(tokens)
    trouble = tokens.renewed(Response(401, {}, b'{"access_token":"very-secret"}'), NOW_S)
    assert "very-secret" not in repr(trouble)
