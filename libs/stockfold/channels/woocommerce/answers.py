"""Reading what a shop sends back as a whole, beyond what ``channels.statuses`` says of any channel.

What is not JSON of the expected shape did not come from WooCommerce, and passes.
"""

from __future__ import annotations

from stockfold.channels.port import (
    Answer,
    Outcome,
    OutcomeKind,
    Request,
    Response,
    Trouble,
    TroubleKind,
)
from stockfold.channels.statuses import (
    NotJsonError,
    all_again,
    decoded,
    excerpt,
    retry_after_s,
    trouble_of,
)


def code_and_message(body: bytes) -> tuple[str, str]:
    """WooCommerce's own error code and message; the code is empty when it sent none."""
    try:
        error = decoded(body)
    except NotJsonError:
        return "", excerpt(body)
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return "", excerpt(body)
    return error["code"], str(error.get("message", ""))


def not_understood(request: Request, response: Response) -> Answer:
    """What it means that a 200 holds something else than WooCommerce's answer."""
    detail = f"the answer is not what WooCommerce sends: {excerpt(response.body)}"
    trouble = Trouble(TroubleKind.UNAVAILABLE, "not_woocommerce", detail)
    return Answer(all_again(request, "not_woocommerce", detail), trouble)


def refused_as_a_whole(request: Request, response: Response) -> Answer:
    """What a status other than 200 and 413 means for the request and the channel."""
    status = response.status
    code, message = code_and_message(response.body)
    trouble = trouble_of(response, code, message)
    name, detail = code or f"http_{status}", f"HTTP {status}: {message}"
    if status == 404 and code in ("", "rest_no_route"):
        detail += "; is the REST API at the channel's url, and are pretty permalinks on?"
        return Answer(trouble=Trouble(TroubleKind.REFUSED, code or "no_rest_api", detail))
    # A 403 that is not WooCommerce's is a firewall's, and may be about one item in the request.
    if not code and (trouble is None or status == 403):
        wait_s = retry_after_s(response)
        trouble = Trouble(TroubleKind.UNAVAILABLE, name, detail, wait_s)
    if trouble is not None:
        passes = trouble.kind is TroubleKind.UNAVAILABLE
        return Answer(all_again(request, name, detail) if passes else (), trouble)
    # WooCommerce itself calls the request wrong. Alone, the update is; in company, one of them.
    if len(request.updates) == 1:
        return Answer((Outcome(request.updates[0], OutcomeKind.REJECTED, name, detail),))
    return Answer(all_again(request, name, detail))
