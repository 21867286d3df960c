"""What a person does about exceptions: which are meant, what would be sent, and then doing it.

The command line and the console do it by these functions alone. Nothing is written before
``carry_out``, so all before it is the dry run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from stockfold.domain.errors import StockfoldError
from stockfold.runtime.audit import audited
from stockfold.runtime.desk.book import CASES_MAX, Case, Desk, Filter
from stockfold.runtime.desk.deliveries import ask_again
from stockfold.runtime.desk.repair import Correction, Message, corrected, same_again
from stockfold.runtime.desk.sending import Decision, write
from stockfold.runtime.settings import Settings

Act = Literal["correct", "resubmit", "discard", "resolve"]
STATES: dict[Act, str] = {
    "correct": "corrected",
    "resubmit": "resubmitted",
    "discard": "discarded",
    "resolve": "resolved",
}
"""The state that an exception has after each act."""
SENDING: frozenset[Act] = frozenset({"correct", "resubmit"})
"""Acts that send an event, and so are not for findings."""


class Chosen(msgspec.Struct, frozen=True):
    """Cases by name or, without names, by filter; ``again``: also those that were acted on."""

    names: tuple[str, ...] = ()
    filter: Filter = Filter()
    again: bool = False


def choose(desk: Desk, chosen: Chosen, act: Act) -> list[Case]:
    """The cases that are meant: those that are named, or every open one that the filter takes.

    StockfoldError when one that is named is done with, or when nothing is named at all.
    """
    if chosen.names:
        return [_named(desk, name, chosen, act) for name in dict.fromkeys(chosen.names)]
    if not msgspec.structs.replace(chosen.filter, folded=None).names_something():
        raise StockfoldError(
            "no exception is named",
            remedy="Give ids, or filters such as --kind quantity_out_of_range.",
        )
    states = None if chosen.again else "open"
    cases = desk.cases(msgspec.structs.replace(chosen.filter, state=states), CASES_MAX)
    return [case for case in cases if case.can_be_sent or act not in SENDING]


def _named(desk: Desk, name: str, chosen: Chosen, act: Act) -> Case:
    case = desk.case(name)
    # The same bytes may be sent as often as it takes: ids register only when accepted.
    allowed = ("open", "resubmitted") if act == "resubmit" else ("open",)
    if not chosen.again and case.state not in allowed:
        raise StockfoldError(
            f"{case.place} is {case.state} already",
            where=case.id,
            remedy="`stockfold exceptions show` tells what became of it; --again does it "
            "nevertheless.",
        )
    return case


def decide(cases: Sequence[Case], act: Act, correction: Correction | None = None) -> list[Decision]:
    """What is done about each case, and the event that is sent for it.

    StockfoldError for a finding that would be sent, ContractError for a correction that would be
    refused again.
    """
    return [Decision(case, STATES[act], _message(case, act, correction)) for case in cases]


def _message(case: Case, act: Act, correction: Correction | None) -> Message | None:
    if act == "correct":
        assert correction is not None, "what is corrected must be said"
        return corrected(case, correction)
    return same_again(case) if act == "resubmit" else None


def counted(decisions: Sequence[Decision]) -> str:
    """For people."""
    return "1 exception" if len(decisions) == 1 else f"{len(decisions)} exceptions"


def carry_out(
    settings: Settings, act: Act, decisions: Sequence[Decision], *, reason: str, by: str
) -> None:
    """Send the events and record what was decided, audited. UnavailableError: nothing was."""
    sent = [d.message.event_id for d in decisions if d.message is not None]
    details = {"exceptions": [d.case.id for d in decisions], "reason": reason, "events": sent}
    with audited(
        settings,
        command=f"exceptions {act}",
        subject=counted(decisions),
        details=details,
        who=by,
    ):
        if act == "resubmit":
            ask_again(settings, [d.case for d in decisions if d.case.is_delivery], reason, by)
        write(settings, decisions, reason=reason, by=by)
