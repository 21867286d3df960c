"""Reservations over HTTP: decided by a real ledger, on a real Kafka."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.checkout import ask, basket, checkout, ledger_process, stock
from tests.support.command_line import stockfold_json
from tests.support.kafka_io import wait_for

from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment) -> Iterator[Settings]:
    made = new_environment()
    with ledger_process(made):
        yield made


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with checkout(settings) as client:
        yield client


def look(client: httpx.Client, reservation: str, **asked: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/reservations/{reservation}", **asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_reserved_line_is_held_and_the_same_request_again_is_the_same_reservation(
    settings: Settings, client: httpx.Client
) -> None:
    stock(settings, ONE=5)
    first = ask(client, basket(ONE=2), key="cart-1")
    assert first.status_code == 201, first.text
    told = first.json()
    [line] = told["lines"]
    assert (told["state"], line["state"], line["reserved"]) == ("held", "held", 2)
    assert line["places"] == [{"location": "DC", "quantity": 2}]
    assert told["as_of"]["position"] == str(line["seq"])
    assert told["as_of"]["age_ms"] is not None
    assert first.headers["location"] == f"/v1/reservations/{told['reservation']}"

    again = ask(client, basket(ONE=2), key="cart-1")
    assert (again.status_code, again.json()["lines"]) == (201, told["lines"])
    other = ask(client, basket(ONE=3), key="cart-1")
    assert (other.status_code, other.json()["title"]) == (422, "Idempotency-Key used before")
    assert look(client, told["reservation"])["lines"] == told["lines"]
    rest = ask(client, basket(ONE=4))
    assert (rest.status_code, rest.json()["available"]) == (409, 3)


def test_a_refusal_says_what_is_available_and_says_it_again(
    settings: Settings, client: httpx.Client
) -> None:
    stock(settings, FEW=1)
    for _ in range(2):
        refused = ask(client, basket(FEW=2), key="cart-few")
        assert refused.status_code == 409
        assert refused.headers["content-type"] == "application/problem+json"
        told = refused.json()
        assert (told["reason"], told["available"]) == ("insufficient_stock", 1)
        assert told["as_of"]["position"] == str(told["lines"][0]["seq"])
        assert "2 of FEW were asked, 1 are available" in told["detail"]


def test_many_lines_are_held_all_or_none(settings: Settings, client: httpx.Client) -> None:
    stock(settings, M_1=5, M_2=5, M_3=1)
    refused = ask(client, basket(M_1=5, M_2=5, M_3=2))
    assert (refused.status_code, refused.json()["available"]) == (409, 1)
    held = ask(client, basket(M_3=1, M_2=5, M_1=5))
    assert held.status_code == 201, held.text
    assert [line["sku"] for line in held.json()["lines"]] == ["M-1", "M-2", "M-3"]
    assert all(line["state"] == "held" for line in held.json()["lines"])
    assert look(client, refused.json()["reservation"])["state"] == "refused"


def test_two_baskets_in_opposite_order_do_not_starve_each_other(
    settings: Settings, client: httpx.Client
) -> None:
    stock(settings, A_1=1, B_1=1)
    one, two = basket(A_1=1, B_1=1), basket(B_1=1, A_1=1)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda asked: ask(client, asked).status_code, (one, two)))
    assert sorted(found) == [201, 409]


def test_it_is_extended_committed_and_released(settings: Settings, client: httpx.Client) -> None:
    stock(settings, LIFE_1=4, LIFE_2=4)
    told = ask(client, {**basket(LIFE_1=2, LIFE_2=2), "ttl_s": 60}).json()
    name = told["reservation"]
    extended = ask(client, {"ttl_s": 600}, f"/{name}/extend")
    assert extended.status_code == 200, extended.text
    assert extended.json()["expires_at"] > told["expires_at"]

    committed = ask(client, None, f"/{name}/commit")
    assert (committed.json()["state"], committed.json()["expires_at"]) == ("committed", None)
    assert ask(client, None, f"/{name}/commit").json() | {"as_of": 0} == committed.json() | {
        "as_of": 0
    }
    assert ask(client, {"ttl_s": 60}, f"/{name}/extend").json()["title"] == "Committed"

    released = client.delete(f"/v1/reservations/{name}")
    assert (released.status_code, released.json()["state"]) == (200, "released")
    assert ask(client, None, f"/{name}/release").json()["state"] == "released"
    for path in ("extend", "commit"):
        assert ask(client, None, f"/{name}/{path}").json()["title"] == "Reservation ended"
    assert ask(client, basket(LIFE_1=4, LIFE_2=4)).status_code == 201


def test_what_has_expired_is_asked_again_when_it_is_committed(
    settings: Settings, client: httpx.Client
) -> None:
    stock(settings, LATE_1=2, LATE_2=2)
    first = ask(client, {**basket(LATE_1=2, LATE_2=2), "ttl_s": 1}, key="late").json()
    name = first["reservation"]
    wait_for("its expiry", lambda: look(client, name)["state"] == "expired")
    again = ask(client, {**basket(LATE_1=2, LATE_2=2), "ttl_s": 1}, key="late")
    assert (again.status_code, again.json()["title"]) == (409, "Reservation ended")

    assert ask(client, None, f"/{name}/commit").json()["state"] == "committed"

    other = ask(client, {**basket(LATE_1=1), "ttl_s": 1})
    assert (other.status_code, other.json()["available"]) == (409, 0)


def test_expired_units_that_others_have_taken_are_not_committed(
    settings: Settings, client: httpx.Client
) -> None:
    stock(settings, GONE_1=1, GONE_2=1)
    name = ask(client, {**basket(GONE_1=1, GONE_2=1), "ttl_s": 1}).json()["reservation"]
    wait_for("its expiry", lambda: look(client, name)["state"] == "expired")
    assert ask(client, basket(GONE_2=1)).status_code == 201
    refused = ask(client, None, f"/{name}/commit")
    assert (refused.status_code, refused.json()["available"]) == (409, 0)
    assert look(client, name)["state"] == "partial"


def test_an_order_line_is_reserved_once(settings: Settings, client: httpx.Client) -> None:
    stock(settings, LINE=5)
    asked = {**basket(LINE=1), "order": "SO-1"}
    assert ask(client, asked).json()["order"] == "SO-1"
    refused = ask(client, asked)
    assert (refused.status_code, refused.json()["reason"]) == (409, "line_reserved_by_another")


def test_what_is_not_known_is_not_found(client: httpx.Client) -> None:
    missing = client.get(f"/v1/reservations/co-{'0' * 24}")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not known")
    assert client.get("/v1/reservations/nonsense").status_code == 404
    for path in ("extend", "commit", "release"):
        assert ask(client, None, f"/co-{'0' * 24}/{path}").status_code == 404


GOOD = basket(BAD=1)
LINE = GOOD["lines"][0]
BAD: dict[str, tuple[int, Any]] = {
    "no object": (422, []),
    "no lines": (422, {**GOOD, "lines": []}),
    "too many lines": (422, {**GOOD, "lines": [{**LINE, "line": str(n)} for n in range(51)]}),
    "the same line twice": (422, {**GOOD, "lines": [{**LINE, "line": "1"}] * 2}),
    "nothing": (422, {**GOOD, "lines": [{**LINE, "quantity": 0}]}),
    "too much": (422, {**GOOD, "lines": [{**LINE, "quantity": 10_001}]}),
    "half a unit": (422, {**GOOD, "lines": [{**LINE, "quantity": 0.5}]}),
    "an empty SKU": (422, {**GOOD, "lines": [{**LINE, "sku": ""}]}),
    "a line break": (422, {**GOOD, "channel": "woo\nde"}),
    "nowhere": (422, {**GOOD, "locations": []}),
    "for ever": (422, {**GOOD, "ttl_s": 10**9}),
    "an unknown word": (422, {**GOOD, "quantety": 1}),
    "too large": (413, {**GOOD, "order": "x" * 70_000}),
    "no JSON": (400, b"{"),
    "no UTF-8": (400, b'{"channel": "\xff"}'),
    "a doubled key": (400, b'{"channel": "a", "channel": "b"}'),
    "no number": (400, b'{"channel": NaN}'),
    "depth": (400, b"[" * 60_000),
}


@pytest.mark.parametrize("what", BAD)
def test_nonsense_is_refused_with_what_to_fix(client: httpx.Client, what: str) -> None:
    status, body = BAD[what]
    given: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = client.post("/v1/reservations", headers={"idempotency-key": what}, **given)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_reservation_needs_an_idempotency_key(client: httpx.Client) -> None:
    answer = client.post("/v1/reservations", json=GOOD)
    assert (answer.status_code, answer.json()["title"]) == (400, "Idempotency-Key missing")


def one_answer(connection: socket.socket) -> bytes:
    """A whole answer: head and body may come apart."""
    told = b""
    while not told.endswith(b"}"):
        part = connection.recv(65_536)
        assert part, told
        told += part
    return told


def test_a_connection_serves_on_after_a_refusal_that_was_quicker_than_the_body(
    client: httpx.Client,
) -> None:
    port = client.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(
            b"POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
        )
        assert one_answer(connection).startswith(b"HTTP/1.1 4")
        connection.sendall(b"{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one_answer(connection).startswith(b"HTTP/1.1 200")


def test_another_instance_knows_it_as_of_the_position_of_the_first(
    settings: Settings, client: httpx.Client
) -> None:
    stock(settings, BOTH=3)
    with checkout(settings) as other:
        told = ask(client, basket(BOTH=1), key="both").json()
        seen = look(
            other,
            told["reservation"],
            params={"after": told["as_of"]["position"]},
            headers={"prefer": "wait=10"},
        )
        assert seen["lines"] == told["lines"]
        assert ask(other, basket(BOTH=1), key="both").json()["lines"] == told["lines"]
        assert ask(other, None, f"/{told['reservation']}/release").json()["state"] == "released"
        wait_for("the release", lambda: look(client, told["reservation"])["state"] == "released")
    later = client.get(f"/v1/reservations/{told['reservation']}", params={"after": "999"})
    assert (later.status_code, later.json()["title"]) == (503, "Not there yet")


def test_a_key_reserves_for_its_channel_and_from_its_locations(
    new_environment: NewEnvironment,
) -> None:
    own = new_environment()
    stock(own, KEY=5)
    made = stockfold_json(
        own,
        *("keys", "create", "shop", "--may", "reserve", "--channel", "woo-de"),
        *("--location", "DC", "--yes"),
    )
    bearer = {"authorization": f"Bearer {made['token']}"}
    with ledger_process(own), checkout(own) as client:
        assert ask(client, basket(KEY=1)).status_code == 401
        wait_for("the key", lambda: ask(client, basket(KEY=1), **bearer).status_code == 201)
        held = ask(client, basket(KEY=1), **bearer).json()["reservation"]
        other = ask(client, {**basket(KEY=1), "channel": "woo-fr"}, **bearer)
        assert (other.status_code, other.json()["title"]) == (403, "Not allowed")
        assert ask(client, {**basket(KEY=1), "locations": ["STORE"]}, **bearer).status_code == 403
        sending = stockfold_json(own, "keys", "create", "wms", "--yes")["token"]
        wait_for(
            "a key without the right",
            lambda: (
                client.get(
                    f"/v1/reservations/{held}", headers={"authorization": f"Bearer {sending}"}
                ).status_code
                == 403
            ),
        )
