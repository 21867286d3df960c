"""An adapter's requests on their way through Prism, which says what its document does not allow.

As a proxy Prism checks the request and the imitation's answer alike, and tells what is wrong with
either in the header ``sl-violations``.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec

from stockfold.channels.conformance import Sent, Subject
from stockfold.channels.port import Adapter, Failure, Request, Response
from tests.support.amazon_loop import Loop, on_the_wire

VIOLATIONS = "sl-violations"
_TIMEOUT_S = 30.0


def asked_of(prism: str, sent: Sent) -> Response:
    """What Prism answers to a request."""
    url = httpx.URL(sent.url)
    headers = {name: value for name, value in sent.headers.items() if name != "host"}
    answer = httpx.request(
        sent.method,
        prism + url.raw_path.decode(),
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
        self, adapter: Adapter, subject: Subject, proxies: Mapping[str, str], items_max: int = 100
    ) -> None:
        super().__init__(adapter, subject, items_max)
        self._proxies = proxies
        self.judged: list[tuple[Request, Response]] = []
        self.violations: list[str] = []

    def _send(self, request: Request) -> Response | Failure:
        prism = next((url for at, url in self._proxies.items() if request.path.startswith(at)), "")
        if request.url or not prism:
            return super()._send(request)
        answer = asked_of(prism, on_the_wire(self.subject.url, request))
        self.judged.append((request, answer))
        self.violations += [
            f"{request.method} {request.path} ({answer.status}): {one}"
            for one in violations_of(answer)
        ]
        return answer
