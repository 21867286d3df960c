"""Plays scenarios, each on a stage of its own, and says how they went."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

from stockfold.channels.kinds import ChannelKind
from stockfold.domain.errors import SettingsError
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.scenarios import SCENARIOS
from stockfold_services.publisher.conformance.stage import NotApplicable, NotSo, Stage
from stockfold_services.publisher.conformance.virtual_time import VirtualLoop

CHATTY = ("httpx", "httpcore", "asyncio")
"""Whose lines production leaves out, too (``stockfold.runtime.logs``)."""


class Verdict(msgspec.Struct, frozen=True):
    """How a scenario went.

    ``detail`` is what was seen instead, or why it is not applicable. ``virtual_s`` went by on the
    channel, in ``requests``; ``took_s`` is what it took here.
    """

    scenario: str
    sentence: str
    result: Literal["pass", "fail", "not applicable"]
    detail: str
    requests: int
    virtual_s: float
    took_s: float


def run(
    kind: ChannelKind,
    only: Collection[str] = (),
    told: Callable[[Verdict], None] = lambda _: None,
) -> list[Verdict]:
    """Play every scenario, or only those of these names; ``told`` hears of each as it ends.

    SettingsError for a name that no scenario has.
    """
    verdicts = []
    for scenario in chosen(only):
        verdicts.append(play(kind, scenario))
        told(verdicts[-1])
    return verdicts


def chosen(only: Collection[str]) -> list[Scenario]:
    """The scenarios of these names, all for none. SettingsError for a name that none has."""
    names = [scenario.name for scenario in SCENARIOS]
    unknown = sorted(set(only) - set(names))
    if unknown:
        raise SettingsError(
            f"there is no scenario {', '.join(unknown)}",
            where="--only",
            remedy=f"Name one of {', '.join(names)}.",
        )
    return [scenario for scenario in SCENARIOS if not only or scenario.name in only]


def play(kind: ChannelKind, scenario: Scenario) -> Verdict:
    """Play one scenario. An adapter or a subject that raises fails it."""
    began_s = time.monotonic()
    loop = VirtualLoop()
    result: Literal["pass", "fail", "not applicable"]
    result, detail, stage = "pass", "", None
    with asyncio.Runner(loop_factory=lambda: loop) as runner, _heard() as lines:
        try:
            stage = Stage(kind, loop)
            runner.run(_played(scenario, stage))
        except NotApplicable as why:
            result, detail = "not applicable", str(why)
        except NotSo as seen:
            result, detail = "fail", str(seen)
        except Exception as error:  # noqa: BLE001 - whatever a third party's code raises
            result, detail = "fail", f"{type(error).__name__}: {error}"
        if stage is not None and (leak := _leak(stage, lines)):
            result, detail = "fail", leak
    requests = 0 if stage is None else len(stage.wire.exchanges)
    return Verdict(
        scenario.name,
        scenario.sentence,
        result,
        detail,
        requests,
        round(loop.time(), 1),
        round(time.monotonic() - began_s, 3),
    )


async def _played(scenario: Scenario, stage: Stage) -> None:
    await scenario.play(stage)


def _leak(stage: Stage, lines: list[str]) -> str:
    """Where a credential was told; empty when nowhere."""
    for where, texts in (("a log line", lines), ("an outcome or trouble", stage.told())):
        for text in texts:
            for secret in stage.wire.secrets:
                if secret in text:
                    return (
                        f"a credential is told in {where}: {text.replace(secret, '(here)')[:300]}"
                    )
    return ""


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(CHATTY):
            self.lines.append(logging.Formatter().format(record))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Every log line while the context is open; nowhere else are they written."""
    root, ear = logging.getLogger(), _Ear()
    handlers, level = root.handlers[:], root.level
    root.handlers = [ear]
    root.setLevel(logging.DEBUG)
    try:
        yield ear.lines
    finally:
        root.handlers = handlers
        root.setLevel(level)
