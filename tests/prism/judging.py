"""An adapter's requests on their way through Prism, which says what its document does not allow.

As a proxy Prism checks the request and the imitation's answer alike, and tells what is wrong with
either in the header ``sl-violations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import msgspec

from stockfold.channels.conformance import Sent, Subject
from stockfold.channels.port import Adapter, Failure, Request, Response
from tests.support.amazon_loop import Loop, on_the_wire

VIOLATIONS = "sl-violations"
SPELL_S = 600.0
"""After which every budget has a token again."""
OTHER_TYPE = True
"""No member that we send is a boolean."""
_TIMEOUT_S = 30.0


def asked_of(prism: str, sent: Sent, base: str = "") -> Response:
    """What Prism answers to a request. ``base`` begins the paths and is not in the document."""
    url = httpx.URL(sent.url)
    headers = {name: value for name, value in sent.headers.items() if name != "host"}
    answer = httpx.request(
        sent.method,
        prism + url.raw_path.decode().removeprefix(base),
        headers=headers,
        content=sent.body,
        timeout=_TIMEOUT_S,
    )
    return Response(
        answer.status_code,
        {name.lower(): value for name, value in answer.headers.items()},
        answer.content,
    )


def violations_of(answer: Response) -> list[str]:
    """What Prism found against the document, each as "where: what"."""
    told = msgspec.json.decode(answer.headers.get(VIOLATIONS, "[]"))
    return [f"{'.'.join(one.get('location', ()))}: {one['message']}" for one in told]


class Judged(Loop):
    """A loop whose requests go by the proxies, named by the beginning of the paths they serve."""

    def __init__(
        self, adapter: Adapter, subject: Subject, proxies: Mapping[str, str], base: str = ""
    ) -> None:
        super().__init__(adapter, subject)
        self._proxies = proxies
        self._base = base
        self.judged: list[tuple[Request, Response]] = []
        self.violations: list[str] = []

    def _send(self, request: Request) -> Response | Failure:
        prism = next((url for at, url in self._proxies.items() if request.path.startswith(at)), "")
        if request.url or not prism:
            return super()._send(request)
        answer = asked_of(prism, on_the_wire(self.subject.url, request), self._base)
        self.judged.append((request, answer))
        self.violations += [
            f"{request.method} {request.path} ({answer.status}): {one}"
            for one in violations_of(answer)
        ]
        return answer


def refused_alike(talk: Judged, request: Request) -> int:
    """How many ways to damage a request Prism objects to; the imitation must refuse each."""
    direct = Loop(talk.adapter, talk.subject)
    objected = 0
    for what, worse in made_worse(request):
        talk.subject.advance(SPELL_S)
        talk.perform(worse)
        if talk.violations:
            objected += 1
            answer = direct.perform(worse)
            assert isinstance(answer, Response)
            assert answer.status == 400, (request.path, what, talk.violations, answer.body)
            talk.violations.clear()
    return objected


def made_worse(request: Request) -> Iterator[tuple[str, Request]]:
    """The request without each of its parameters, and with each kind of damage to its body."""
    for name, _ in request.params:
        left = tuple(param for param in request.params if param[0] != name)
        yield name, msgspec.structs.replace(request, params=left)
    for where, body in damaged(request.json):
        yield where, msgspec.structs.replace(request, json=body)


def damaged(tree: Any) -> Iterator[tuple[str, Any]]:
    """Each member left out, and each of another type."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield f"no {name}", {key: kept for key, kept in tree.items() if key != name}
            for where, worse in (("of another type", OTHER_TYPE), *damaged(value)):
                yield f"{name} {where}", {**tree, name: worse}
    elif isinstance(tree, list) and tree:
        for where, worse in (("of another type", OTHER_TYPE), *damaged(tree[0])):
            yield f"[0] {where}", [worse, *tree[1:]]
