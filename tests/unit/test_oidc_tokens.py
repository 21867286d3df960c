"""What a token must be to count: asked of a real provider, over real sockets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.support.identity_provider import CLIENT, PROGRAMS, IdentityProvider, rsa_key

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.settings import OidcSettings
from stockfold_services.api.sign_in import provider as module
from stockfold_services.api.sign_in.provider import Provider, RefusedTokenError


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as provider:
        yield provider


def settings(idp: IdentityProvider, **more: Any) -> OidcSettings:
    return OidcSettings(issuer=idp.issuer, client_id=CLIENT, audience=PROGRAMS, **more)


@pytest.fixture
async def provider(idp: IdentityProvider) -> AsyncIterator[Provider]:
    made = Provider(settings(idp))
    yield made
    await made.close()


def part(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def public_pem(idp: IdentityProvider) -> bytes:
    pem: bytes = idp.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem


async def test_a_good_token_gives_a_name_and_the_highest_role(
    idp: IdentityProvider, provider: Provider
) -> None:
    idp.roles = ["stockfold-viewer", "stockfold-engineer", "other"]
    assert await provider.person(idp.token(), PROGRAMS) == ("ada", "engineer")
    assert await provider.person(idp.token([PROGRAMS, "b"]), PROGRAMS) == ("ada", "engineer")


async def test_the_role_is_found_where_the_settings_say(idp: IdentityProvider) -> None:
    given = settings(
        idp, role_claim="realm_access.roles", roles={"support": ["desk"]}, name_claim="email"
    )
    provider = Provider(given)
    token = idp.token(realm_access={"roles": ["desk"]}, email="a@b.example")
    assert await provider.person(token, PROGRAMS) == ("a@b.example", "support")
    assert await provider.person(idp.token(realm_access="desk"), PROGRAMS) == ("u-1", None)
    await provider.close()


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "someone else"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 86_400},
        {"iat": None},
        {"iat": int(time.time()) + 86_400},
        {"sub": None},
        {"sub": 7},
    ],
)
async def test_a_token_of_others_or_of_another_time_does_not_count(
    idp: IdentityProvider, provider: Provider, claims: dict[str, Any]
) -> None:
    with pytest.raises(RefusedTokenError):
        await provider.person(idp.token(**claims), PROGRAMS)


async def test_clocks_may_be_a_little_apart(idp: IdentityProvider, provider: Provider) -> None:
    late = idp.token(exp=int(time.time()) - 5)
    assert (await provider.person(late, PROGRAMS)).name == "ada"


def unsigned(idp: IdentityProvider, algorithm: str) -> str:
    header = {"alg": algorithm, "typ": "JWT", "kid": idp.kid}
    return f"{part(header)}.{part(idp.told(PROGRAMS))}."


def with_public_key_as_secret(idp: IdentityProvider) -> str:
    text = f"{part({'alg': 'HS256', 'kid': idp.kid})}.{part(idp.told(PROGRAMS))}"
    mark = hmac.new(public_pem(idp), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


def by_a_stranger(idp: IdentityProvider, **header: Any) -> str:
    key = rsa_key("stranger")
    return jwt.encode(idp.told(PROGRAMS), key, "RS256", headers={"kid": idp.kid, **header})


def with_its_own_key(idp: IdentityProvider) -> str:
    key = rsa_key("stranger")
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    header = {"kid": "mine", "jwk": jwk, "jku": "http://127.0.0.1:9/keys"}
    return jwt.encode(idp.told(PROGRAMS), key, "RS256", headers=header)


def changed(idp: IdentityProvider) -> str:
    head, _, mark = idp.token().split(".")
    return f"{head}.{part(idp.told(PROGRAMS, roles=['stockfold-engineer']))}.{mark}"


@pytest.mark.parametrize(
    "forge",
    [
        lambda idp: unsigned(idp, "none"),
        lambda idp: unsigned(idp, "NONE"),
        lambda idp: unsigned(idp, "RS256"),
        with_public_key_as_secret,
        by_a_stranger,
        lambda idp: by_a_stranger(idp, kid="unknown"),
        lambda idp: by_a_stranger(idp, kid="../../etc/passwd"),
        with_its_own_key,
        changed,
        lambda idp: "a.b.c",
        lambda idp: "..",
        lambda idp: "e30.e30.e30",
        lambda idp: f"{base64.urlsafe_b64encode(b'[' * 4_000).decode()}.e30.e30",
        lambda idp: f"{idp.token()}{'A' * 10_000}",
    ],
)
async def test_a_forged_token_does_not_count(
    idp: IdentityProvider, provider: Provider, forge: Any
) -> None:
    await provider.person(idp.token(), PROGRAMS)  # The keys are known: it is not for want of them.
    with pytest.raises(RefusedTokenError):
        await provider.person(forge(idp), PROGRAMS)


async def test_a_small_key_does_not_count(idp: IdentityProvider, provider: Provider) -> None:
    idp.keys = {idp.kid: rsa.generate_private_key(public_exponent=65537, key_size=1024)}
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = idp.token()
    with pytest.raises(RefusedTokenError):
        await provider.person(token, PROGRAMS)


async def test_keys_are_kept_and_asked_anew_when_one_is_unknown(
    idp: IdentityProvider, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await provider.person(idp.token(), PROGRAMS)
    assert idp.asked.count("/keys") == 1
    idp.rotate()
    with pytest.raises(RefusedTokenError):  # Not so soon: strangers can make such tokens.
        await provider.person(idp.token(), PROGRAMS)
    assert idp.asked.count("/keys") == 1
    monkeypatch.setattr(module, "ASK_AGAIN_S", 0)
    assert (await provider.person(idp.token(), PROGRAMS)).name == "ada"
    assert idp.asked.count("/keys") == 2


async def test_known_keys_serve_while_the_provider_is_away(
    idp: IdentityProvider, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp.is_away = True
    with pytest.raises(UnavailableError, match="503"):
        await provider.person(idp.token(), PROGRAMS)
    idp.is_away = False
    await provider.person(idp.token(), PROGRAMS)
    idp.is_away = True
    monkeypatch.setattr(module, "ASK_AGAIN_S", 0)
    with pytest.raises(RefusedTokenError):
        await provider.person(by_a_stranger(idp, kid="new"), PROGRAMS)
    assert (await provider.person(idp.token(), PROGRAMS)).name == "ada"


async def test_a_provider_of_another_name_is_not_believed(idp: IdentityProvider) -> None:
    provider = Provider(settings(idp))
    idp.issuer += "/other"
    with pytest.raises(UnavailableError, match="another name"):
        await provider.person(idp.token(), PROGRAMS)
    await provider.close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"issuer": "http://idp.example", "client_id": "x"}, "https"),
        ({"issuer": "https://idp.example"}, "client_id"),
        ({"issuer": "https://idp.example", "client_id": "x", "client_secret": "y"}, "reference"),
        ({"issuer": "https://idp.example", "client_id": "x", "scopes": "email"}, "openid"),
        ({"algorithms": ["HS256"]}, "RS256"),
        ({"algorithms": ["none"]}, "RS256"),
        ({"leeway_s": 86_400}, "120"),
    ],
)
def test_settings_that_would_let_strangers_in_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        OidcSettings(**given)
