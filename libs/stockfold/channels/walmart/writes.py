"""One SKU's stock: ``PUT /inventory`` at the default node, ``PUT /inventories/{sku}`` node by node.

Both answer at once. Several nodes of one request succeed or fail each alone, inside a 200.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from stockfold.channels import statuses
from stockfold.channels.port import (
    Answer,
    Failure,
    Observed,
    Outcome,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold.channels.walmart import errors

EACH = "EACH"
ONE = "/inventory"
NODES = "/inventories/"


def quantity_of(units: int) -> dict[str, Any]:
    """Units as Walmart writes them."""
    return {"unit": EACH, "amount": units}


def units_of(quantity: Any) -> int | None:
    """And as it tells them; None for what is no whole number of units."""
    amount = quantity.get("amount") if isinstance(quantity, Mapping) else None
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        return None
    return int(amount) if isinstance(amount, int) or amount.is_integer() else None


def path_of(
    base: str, update: StockUpdate, shown: Shown
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Where one SKU's stock is, and the parameters."""
    if not shown.locations:
        return f"{base}{ONE}", (("sku", update.sku),)
    # Encoded here: a SKU may hold a slash, and is one segment of the path all the same.
    return f"{base}{NODES}{quote(update.sku, safe='')}", ()


def write(base: str, update: StockUpdate, shown: Shown) -> Request:
    """The request that sets one SKU's units, at every node that is ours."""
    path, params = path_of(base, update, shown)
    nodes = [{"shipNode": node, "inputQty": quantity_of(n)} for node, n in shown.locations]
    body: dict[str, Any] = {"sku": update.sku, "quantity": quantity_of(shown.quantity)}
    if nodes:
        body = {"inventories": {"nodes": nodes}}
    return Request(Purpose.WRITE, "PUT", path, (update,), params, json=body)


def written(request: Request, answer: Response | Failure) -> Answer:
    """What became of a write. One whose fate is unclear is repeated: its units are absolute."""
    if isinstance(answer, Failure):
        return statuses.unanswered(request, answer)
    if not 200 <= answer.status < 300:
        return errors.refused(request, answer)
    tree = errors.object_of(answer)
    update = request.updates[0]
    found = None
    if tree is not None:
        nodes = "inventories" in request.json
        found = _of_nodes(update, request, tree) if nodes else _of_one(update, request, tree)
    if found is None:
        return not_understood(request, answer)
    outcome, observed = found
    return Answer((outcome,), observed=() if observed is None else (observed,))


def not_understood(request: Request, answer: Response) -> Answer:
    """A success that holds something else than Walmart's answer; a write may have been done."""
    detail = f"the answer is not what Walmart sends: {statuses.excerpt(answer.body)}"
    trouble = Trouble(TroubleKind.UNAVAILABLE, "not_walmart", detail)
    writes = request.purpose is Purpose.WRITE
    return Answer(statuses.all_again(request, "not_walmart", detail) if writes else (), trouble)


def _of_one(
    update: StockUpdate, request: Request, tree: Mapping[str, Any]
) -> tuple[Outcome, Observed] | None:
    sent = request.json["quantity"]["amount"]
    shows = units_of(tree.get("quantity"))
    if shows is None or tree.get("sku") != update.sku:
        return None
    observed = Observed(update.sku, shows, listing=update.sku, written=sent)
    if shows == sent:
        return Outcome(update, OutcomeKind.APPLIED), observed
    detail = f"sent {sent}, Walmart answers {shows}"
    return Outcome(update, OutcomeKind.RETRYABLE, "not_applied", detail), observed


def _of_nodes(
    update: StockUpdate, request: Request, tree: Mapping[str, Any]
) -> tuple[Outcome, Observed | None] | None:
    answered = tree.get("nodes")
    if not isinstance(answered, list):
        return None
    by_node = {str(one.get("shipNode")): one for one in answered if isinstance(one, Mapping)}
    failed = list(_failures(request, by_node))
    if not failed:
        sent = sum(one["inputQty"]["amount"] for one in request.json["inventories"]["nodes"])
        observed = Observed(update.sku, sent, listing=update.sku, written=sent)
        return Outcome(update, OutcomeKind.APPLIED), observed
    passes = all(error.passes for _, error in failed)
    kind = OutcomeKind.RETRYABLE if passes else OutcomeKind.REJECTED
    lasting = [error for _, error in failed if not error.passes]
    code = (lasting or [failed[0][1]])[0].code or "node_refused"
    if all(error.code == errors.NOT_FOUND for _, error in failed):
        kind = OutcomeKind.UNMAPPED
    detail = "; ".join(f"ship node {node}: {error.detail or error.code}" for node, error in failed)
    return Outcome(update, kind, code, detail), None


def _failures(
    request: Request, by_node: Mapping[Any, Mapping[str, Any]]
) -> Iterator[tuple[str, errors.Told]]:
    for sent in request.json["inventories"]["nodes"]:
        node = sent["shipNode"]
        one = by_node.get(node)
        if one is None:
            yield node, errors.Told(detail="nothing was said of it", category="SYSTEM")
        elif str(one.get("status", "")).lower() != "success":
            found = errors.told(one)
            yield node, found if found.code else errors.Told(detail=f"{one.get('status')}")
