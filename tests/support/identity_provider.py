"""A small identity provider on a port: OpenID Connect with real keys, signatures and sockets.

Whoever comes to its authorization address is ``person``, without being asked. What it issues can be
bent with ``claims`` and ``sign``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT, CLIENT_SECRET = "stockfold-console", "provider-knows-9f8e7d"
PROGRAMS = "https://stock.example/api"


@cache
def rsa_key(whose: str) -> rsa.RSAPrivateKey:
    """A key that is made once."""
    del whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider:
    """A context that serves; ``issuer`` is its address."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {"sub": "u-1", "preferred_username": "ada"}
        self.roles: list[str] = ["stockfold-support"]
        self.claims: dict[str, Any] = {}
        self.answers: dict[str, str] = {}
        """What stands in the way back beside, or instead of, what belongs there."""
        self.is_away = False
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self.kid = "first"
        self.keys: dict[str, Any] = {"first": rsa_key("provider")}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.serve(self, {})

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length", 0))
                provider.serve(self, dict(parse_qsl(self.rfile.read(size).decode())))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def rotate(self) -> None:
        """A new key in place of all."""
        self.kid = secrets.token_hex(4)
        self.keys = {self.kid: ec.generate_private_key(ec.SECP256R1())}

    @property
    def key(self) -> Any:
        """The private key that signs now."""
        return self.keys[self.kid]

    def token(self, audience: Any = PROGRAMS, **claims: Any) -> str:
        """A token for the person; a claim that is None is left out."""
        return self.signed(self.told(audience, **claims))

    def told(self, audience: Any, **claims: Any) -> dict[str, Any]:
        """The claims of a token."""
        now_s = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": audience,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + 300,
            "roles": self.roles,
            **self.person,
            **self.claims,
            **claims,
        }
        return {name: value for name, value in told.items() if value is not None}

    def signed(self, told: dict[str, Any], **header: Any) -> str:
        """These claims, signed as they should be."""
        algorithm = "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(told, self.key, algorithm, headers={"kid": self.kid, **header})

    def serve(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        """Answer a request."""
        parts = urlsplit(handler.path)
        self.asked.append(parts.path)
        query = dict(parse_qsl(parts.query))
        if self.is_away:
            self._answer(handler, 503, {})
        elif parts.path == "/.well-known/openid-configuration":
            self._answer(
                handler,
                200,
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                },
            )
        elif parts.path == "/keys":
            self._answer(handler, 200, {"keys": [self._public(kid) for kid in self.keys]})
        elif parts.path == "/authorize":
            code = secrets.token_urlsafe(16)
            self._codes[code] = query
            back = {"code": code, "state": query["state"], "iss": self.issuer, **self.answers}
            handler.send_response(302)
            handler.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        elif parts.path == "/token":
            self._answer(handler, *self._tokens(handler, form))

    def _tokens(
        self, handler: BaseHTTPRequestHandler, form: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        login = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        fits = (
            asked is not None
            and asked["code_challenge_method"] == "S256"
            and asked["code_challenge"] == challenge
            and asked["redirect_uri"] == form["redirect_uri"]
            and handler.headers.get("authorization") == f"Basic {login}"
        )
        if not fits or asked is None:
            return 400, {"error": "invalid_grant"}
        nonce = {"nonce": asked["nonce"], **self.claims}
        return 200, {"id_token": self.token(CLIENT, **nonce), "token_type": "Bearer"}

    def _public(self, kid: str) -> dict[str, Any]:
        public = self.keys[kid].public_key()
        kind: Any = RSAAlgorithm if isinstance(public, rsa.RSAPublicKey) else ECAlgorithm
        return {**json.loads(kind.to_jwk(public)), "kid": kid, "use": "sig"}

    @staticmethod
    def _answer(handler: BaseHTTPRequestHandler, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
