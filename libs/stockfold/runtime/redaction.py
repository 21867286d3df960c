"""No secret in a log, an error or a trace: what is known, or looks like one, is masked.

Two nets. Every secret that was resolved from its reference is known by its text, and masked
wherever it stands, also as a URL, JSON or HTTP Basic would write it. What nobody told us, such as
the key in a stranger's URL, is known by its form.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"
CHARACTERS_MIN = 8
"""A shorter secret is not known by its text: it would be found in any word."""
KNOWN_MAX = 1_024

_NAMES = (
    "(?:token|secret|passw(?:or)?d|api[_-]?key|consumer_key|signature|code_verifier|authorization)"
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(sfk_[0-9A-Za-z]{1,32}_)[A-Za-z0-9_-]{8,}"), rf"\1{MASK}"),
    # A JSON Web Token, of which the last part is what makes it count.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), MASK),
    # WooCommerce's and Shopify's.
    (re.compile(r"\b([cC][kKsS]_)[0-9a-fA-F]{16,}"), rf"\1{MASK}"),
    (re.compile(r"\b(shp[a-z]{2}_)[0-9a-fA-F]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9+/=._~-]{8,}"), rf"\1\2{MASK}"),
    (re.compile(r"(?i)(://[^\s/:@\"']{0,256}:)[^\s/@\"']{1,512}@"), rf"\1{MASK}@"),
    # name=value in a URL or a form, "name": "value" in JSON or a mapping, Name: value in a head.
    (re.compile(rf"(?i)({_NAMES}=)[^\s&\"',;]{{4,512}}"), rf"\1{MASK}"),
    (re.compile(rf"(?i)({_NAMES}\\?[\"']\s*:\s*\\?[\"'])[^\"'\\]{{4,512}}"), rf"\1{MASK}"),
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie):[^\n\"]{4,2048}"),
        rf"\1: {MASK}",
    ),
)
_known: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None
_lock = threading.Lock()


def remember(secret: str) -> None:
    """Mask this text from now on, however it is written."""
    if len(secret) < CHARACTERS_MIN or secret in _known:
        return
    with _lock:
        _known[secret] = None
        while len(_known) > KNOWN_MAX:
            del _known[next(iter(_known))]
        _compile()


def forget(secret: str) -> None:
    """It has ended and another has its place: tokens would push out what lasts."""
    with _lock:
        if secret in _known:
            del _known[secret]
            _compile()


def _compile() -> None:
    global _pattern  # noqa: PLW0603 - one per process, as the log is
    forms = {form for known in _known for form in _written(known)}
    longest_first = sorted(forms, key=len, reverse=True)
    _pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None


def redacted(text: str) -> str:
    """The text without the secrets in it."""
    if _pattern is not None:
        text = _pattern.sub(MASK, text)
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text


def redacted_bytes(raw: bytes) -> bytes:
    """The bytes without the secrets that are known by their text: what a shop sends back."""
    if _pattern is None or not _pattern.search(raw.decode("latin-1")):
        return raw
    return _pattern.sub(MASK, raw.decode("latin-1")).encode("latin-1")


def _written(secret: str) -> list[str]:
    told = [secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]]
    # In HTTP Basic it is the end of what was encoded, behind a name of any length.
    for before in range(3):
        encoded = base64.b64encode(b" " * before + secret.encode()).decode().rstrip("=")
        # The characters at both ends depend on what stands beside it.
        core = encoded[{0: 0, 1: 2, 2: 3}[before] : -1]
        told += [core] if len(core) >= 2 * CHARACTERS_MIN else []
    return told
