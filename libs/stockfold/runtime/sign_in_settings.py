"""Who may use the console, and how they prove it: ``[sign_in]`` and ``[oidc]``."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from stockfold.runtime.roles import Role
from stockfold.runtime.secret import SecretRef, is_loopback_url
from stockfold.runtime.settings_fields import DAY_S, HttpUrl, Section

SECRET_CHARACTERS_MIN = 32
Algorithm = Literal["RS256", "RS512", "PS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Public keys only: with a shared secret whoever can check a token could make one."""


class SignInSettings(Section):
    """Sessions of people in the console."""

    session_secret: SecretRef | None = Field(
        default=None,
        description="What sessions are signed with, by reference; 32 characters or more. Unset: a "
        "new one at every start, which ends all sessions. Several apis need the same.",
    )
    session_s_max: PositiveInt = Field(
        default=8 * 3_600, le=7 * DAY_S, description="How long a session lasts, in seconds."
    )
    idle_s_max: PositiveInt = Field(
        default=30 * 60,
        le=DAY_S,
        description="After so long without a page a session ends, in seconds.",
    )
    public_url: HttpUrl | None = Field(
        default=None,
        description="Address at which browsers reach the api, such as https://stock.example. With "
        "[oidc] it must be set, and registered there with /console/sign-in/callback behind it.",
    )

    @model_validator(mode="after")
    def _secret_is_one(self) -> Self:
        secret, url = self.session_secret, self.public_url
        if secret is None or not secret.is_plain:
            return self
        if url is not None and not is_loopback_url(url):
            raise ValueError("session_secret is plain text; write a reference: env:NAME or file:/")
        return self


class OidcSettings(Section):
    """The identity provider, which knows people and their roles (OpenID Connect Core 1.0)."""

    issuer: HttpUrl | None = Field(
        default=None,
        description="The provider's issuer address; /.well-known/openid-configuration is read "
        "below it. Unset: API keys alone.",
    )
    client_id: str = Field(default="", max_length=256, description="The console's id there.")
    client_secret: SecretRef | None = Field(
        default=None, description="Its secret, by reference. Unset: a public client, with PKCE."
    )
    audience: str = Field(
        default="",
        max_length=256,
        description="The aud that bearer tokens of programs must carry. Unset: none are taken.",
    )
    scopes: str = Field(default="openid profile", description="What is asked for at sign-in.")
    algorithms: list[Algorithm] = Field(
        default=["RS256", "ES256"],
        min_length=1,
        description="How tokens may be signed; what a token itself says of it counts for nothing.",
    )
    name_claim: str = Field(
        default="preferred_username",
        min_length=1,
        description="Claim with the name for the audit; `sub` where it is missing.",
    )
    role_claim: str = Field(
        default="roles",
        min_length=1,
        description="Claim with a person's roles or groups; dots lead into objects, such as "
        "realm_access.roles.",
    )
    roles: dict[Role, list[str]] = Field(
        default={
            "viewer": ["stockfold-viewer"],
            "support": ["stockfold-support"],
            "engineer": ["stockfold-engineer"],
        },
        description="The values of that claim that give each role. Without one nobody gets in.",
    )
    requests_per_s: PositiveInt = Field(
        default=50,
        le=10_000,
        description="How many requests a second one person, or one program with a token, may make "
        "of the api; a burst of twice as many.",
    )
    leeway_s: PositiveInt = Field(
        default=30, le=120, description="How far clocks may be apart, in seconds."
    )
    keys_s_max: PositiveInt = Field(
        default=600, le=DAY_S, description="How long its keys are kept before they are asked anew."
    )
    request_timeout_s: PositiveFloat = Field(
        default=5.0, description="Time of one request to the provider, in seconds."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.issuer is None:
            return self
        here = is_loopback_url(self.issuer)
        if not self.issuer.startswith("https:") and not here:
            raise ValueError("issuer: write an https address; its keys decide who gets in")
        if not self.client_id:
            raise ValueError("client_id must be set with issuer")
        if self.client_secret is not None and self.client_secret.is_plain and not here:
            raise ValueError("client_secret is plain text; write a reference: env:NAME or file:/")
        if "openid" not in self.scopes.split():
            raise ValueError("scopes must name openid")
        return self
