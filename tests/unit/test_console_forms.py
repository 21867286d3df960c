"""Forms act only from our own pages, and only for who may."""

from __future__ import annotations

from typing import Annotated

import httpx
import msgspec
import pytest
from fastapi import Depends, FastAPI, Request

from stockfold.runtime import problems
from stockfold.runtime.keys import issue
from stockfold.runtime.roles import ROLES, highest, reaches
from stockfold.runtime.with_headers import HEADERS
from stockfold_services.api.actor import Actor, needs
from stockfold_services.api.forms import TOKEN_FIELD, SentForm, csrf_token

HERE = {"origin": "http://console", "sec-fetch-site": "same-origin"}


def app_for(**terms: object) -> FastAPI:
    """A page with one form that support may send, asked with a key of these terms."""
    app = FastAPI()
    problems.install(app)
    app.state.form_secret = b"x" * 32
    key = issue(name="office", events_per_s=1, body_bytes_max=1, created_at=0, expires_at=1)[0]
    key = msgspec.structs.replace(key, **terms)

    @app.middleware("http")
    async def with_key(request: Request, following):
        request.state.key = key
        return await following(request)

    @app.get("/token")
    async def token(request: Request) -> str:
        return csrf_token(request)

    @app.post("/act")
    async def act(who: Annotated[Actor, Depends(needs("support"))], form: SentForm) -> list[str]:
        return [who.said, *form.all("id")]

    return app


async def sent(app: FastAPI, headers: dict | None = None, **fields: object) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://console"
    ) as client:
        fields.setdefault(TOKEN_FIELD, (await client.get("/token")).json())
        return await client.post("/act", data=fields, headers=HERE if headers is None else headers)


async def test_a_form_of_our_own_page_acts_for_whom_it_names() -> None:
    answer = await sent(app_for(may=("read", "support")), id=["3-1", "3-2"])
    assert answer.status_code == 200, answer.text
    assert answer.json() == ["office (key)", "3-1", "3-2"]


@pytest.mark.parametrize("may", [("read",), ("send",), ("read", "nobody")])
async def test_a_lower_role_is_told_who_may(may: tuple[str, ...]) -> None:
    answer = await sent(app_for(may=may))
    assert answer.status_code == 403
    assert "for the role support" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://elsewhere.example"},
        {"origin": "http://console", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "null"},
    ],
)
async def test_a_form_of_another_page_does_nothing(headers: dict[str, str]) -> None:
    answer = await sent(app_for(may=("read", "engineer")), headers)
    assert answer.status_code == 403
    assert answer.json()["title"] == "Not from this page"


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
async def test_a_form_without_its_token_does_nothing(token: str) -> None:
    answer = await sent(app_for(may=("read", "engineer")), csrf=token)
    assert answer.status_code == 403


async def test_the_token_of_one_is_not_that_of_another() -> None:
    theirs = app_for(name="somebody else", may=("read", "engineer"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(theirs), base_url="http://console"
    ) as client:
        token = (await client.get("/token")).json()
    assert (await sent(app_for(may=("read", "engineer")), csrf=token)).status_code == 403


def test_a_higher_role_reaches_all_of_a_lower_one() -> None:
    assert [reaches("support", role) for role in ROLES] == [True, True, False]
    assert highest(("read", "support", "engineer")) == "engineer"
    assert highest(("read", "root")) is None


def test_browsers_may_say_where_our_own_forms_come_from() -> None:
    """Under no-referrer they send ``Origin: null`` with every form (Fetch, "append Origin")."""
    assert HEADERS["Referrer-Policy"] == "same-origin"
