"""What a connection may send now: what a person or a guard has said of its channel.

    running    what is wanted
    paused     nothing
    halted     single zeros, until a person has looked and resumes
    zeroed     zero for every listing
    restored   for every listing what the shop showed before us, then nothing

A control that changes what every listing shall show is a course of its own: the connection starts
anew on it, and reads availability from the beginning to find every listing (``publisher.mode``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import msgspec

from stockfold.channels import Promise
from stockfold.channels.port import Restored
from stockfold.contracts.topics import CHANNEL_CONTROL
from stockfold.runtime.channel_control import ORDERS, Baseline, Control, ControlBook
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.mode import Mode
from stockfold_services.publisher.wanted import Wanted

OUT_OF_STOCK = Promise("out_of_stock")
SAID = {"zeroed": "the channel is zeroed", "restored": "the channel is restored"}


def course_of(mode: Mode, control: Control) -> Mode:
    """The mode of a connection under a control."""
    order = control.state if control.state in ORDERS else ""
    return msgspec.structs.replace(mode, order=order, since=control.order)


def ordered(wanted: Wanted, control: Control, baselines: Mapping[str, Baseline]) -> Wanted | None:
    """What a channel shall show under a control; None when the shop's own number is to stay."""
    if control.state == "zeroed":
        return msgspec.structs.replace(wanted, quantity=0, promise=OUT_OF_STOCK, locations=())
    if control.state != "restored":
        return wanted
    before = baselines.get(wanted.sku)
    if before is None or (before.managed and before.quantity is None):
        return None
    units = before.quantity or 0
    restored = Restored(units, before.managed, before.backorders, before.stock_status)
    return msgspec.structs.replace(wanted, quantity=units, restored=restored, locations=())


class Gate:
    """The control of one channel, as it comes in. Filled by the thread that follows the topic."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._book = ControlBook()
        self._lock = threading.Lock()
        self._control = self._book.of(channel)

    def apply(self, record: Record) -> None:
        """Take a record of the topic."""
        with self._lock:
            self._book.apply(record)
            self._control = self._book.of(self._channel)

    @property
    def control(self) -> Control:
        """What the channel shall do now."""
        return self._control


def follow_controls(
    settings: Settings, apply: Callable[[Record], None], reader: str
) -> FollowedTopic:
    """Give ``apply`` every control while the context is open."""
    return FollowedTopic(settings, CHANNEL_CONTROL, f"{reader}.controls", apply)
