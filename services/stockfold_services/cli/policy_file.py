"""Policies as people write them: a YAML file, or the channels of the settings.

A file is refused whole, with the line and the reason of everything that is wrong.

    policies:
      - channel: woo-de
        zone: Europe/Berlin
        locations: [DC-BERLIN, DC-PARIS]   # leave out for all
        safety_stock: 2
        low_stock: 5
        per_location: false
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from stockfold.availability.policy import UNITS_MAX, Policy
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Name, Settings, Zone

FILE_BYTES_MAX = 1024 * 1024
POLICIES_MAX = 1000
DEPTH_MAX = 10
REMEDY = "Mend it and try again; nothing was published, the policies before stay in force."

Units = Annotated[StrictInt, Field(ge=0, le=UNITS_MAX)]
Place = tuple[str | int, ...]


class PolicyEntry(BaseModel):
    """One channel's policy, without its revision: that is given when it is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Name
    zone: Zone = "UTC"
    locations: Annotated[list[Name], Field(min_length=1)] | None = None
    safety_stock: Units = 0
    low_stock: Units = 0
    per_location: StrictBool = False

    def policy(self) -> Policy:
        """The policy, at revision 0: not published yet."""
        return Policy(
            channel=self.channel,
            revision=0,
            zone=self.zone,
            locations=None if self.locations is None else tuple(self.locations),
            safety_stock=self.safety_stock,
            low_stock=self.low_stock,
            per_location=self.per_location,
        )


class PolicyFile(BaseModel):
    """A file of policies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: Annotated[list[PolicyEntry], Field(min_length=1, max_length=POLICIES_MAX)]


def from_settings(settings: Settings) -> list[Policy]:
    """The policies that the channels of the settings ask for; SettingsError when unfit."""
    content = {
        "policies": [
            {
                "channel": channel.name,
                "zone": channel.zone,
                "locations": channel.locations,
                "safety_stock": channel.safety_stock,
                "low_stock": channel.low_stock,
            }
            for channel in settings.channels
        ]
    }
    if not settings.channels:
        return []
    return _validated(content, {}, settings, "the channels of the settings")


def from_file(path: Path, settings: Settings) -> list[Policy]:
    """The policies of a YAML file; SettingsError with the line of everything that is wrong."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"the policy file cannot be read: {error.strerror}", where=str(path), remedy=REMEDY
        ) from error
    if len(raw) > FILE_BYTES_MAX:
        raise SettingsError(
            f"the policy file has more than {FILE_BYTES_MAX} bytes", where=str(path), remedy=REMEDY
        )
    try:
        text = raw.decode()
        _refuse_traps(text, path)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(
            f"the policy file is not YAML in UTF-8: {' '.join(str(error).split())}",
            where=str(path),
            remedy=REMEDY,
        ) from error
    lines: dict[Place, int] = {}
    twice = list(_index(root, (), lines)) if root is not None else []
    if twice:
        raise SettingsError("; ".join(twice), where=str(path), remedy=REMEDY)
    return _validated(content, lines, settings, str(path))


def _refuse_traps(text: str, path: Path) -> None:
    """Aliases of aliases, or endless nesting, would take more time or memory than there is."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = "" if event.start_mark is None else f"line {event.start_mark.line + 1}: "
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            raise SettingsError(
                f"{line}nested more than {DEPTH_MAX} deep", where=str(path), remedy=REMEDY
            )
        if isinstance(event, yaml.AliasEvent):
            raise SettingsError(
                f"{line}aliases (*{event.anchor}) are not taken",
                where=str(path),
                remedy="Write the value out.",
            )


def _index(node: yaml.Node, place: Place, lines: dict[Place, int]) -> Iterator[str]:
    """Note the line of every value; yields what is said twice, which YAML would swallow."""
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _index(item, (*place, number), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                yield f"line {key.start_mark.line + 1}: {key.value} is said twice"
            yield from _index(value, inner, lines)
            lines[inner] = key.start_mark.line + 1


def _validated(
    content: object, lines: dict[Place, int], settings: Settings, where: str
) -> list[Policy]:
    try:
        entries = PolicyFile.model_validate(content).policies
    except ValidationError as error:
        wrong = [
            _sentence(lines, item["loc"], item["msg"].removeprefix("Value error, "))
            for item in error.errors()
        ]
        raise SettingsError("; ".join(wrong), where=where, remedy=REMEDY) from None
    wrong = [*_channels_twice(entries, lines), *_wrong_locations(entries, lines, settings)]
    if wrong:
        raise SettingsError("; ".join(wrong), where=where, remedy=REMEDY)
    return [entry.policy() for entry in entries]


def _channels_twice(entries: list[PolicyEntry], lines: dict[Place, int]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, entry in enumerate(entries):
        before = first.setdefault(entry.channel, number)
        if before != number:
            place: Place = ("policies", number, "channel")
            line = lines.get(("policies", before, "channel"))
            there = f" (first in line {line})" if line else ""
            yield _sentence(lines, place, f"channel {entry.channel} has a policy already{there}")


def _wrong_locations(
    entries: list[PolicyEntry], lines: dict[Place, int], settings: Settings
) -> Iterator[str]:
    known = [location.name for location in settings.locations]
    for number, entry in enumerate(entries):
        seen: set[str] = set()
        for index, location in enumerate(entry.locations or ()):
            place: Place = ("policies", number, "locations", index)
            if location in seen:
                yield _sentence(lines, place, f"location {location} is named twice")
            seen.add(location)
            if known and location not in known:
                near = get_close_matches(location, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                yield _sentence(
                    lines, place, f"location {location} is not one of [[locations]]{hint}"
                )


def _sentence(lines: dict[Place, int], place: Place, reason: str) -> str:
    """Such as ``line 7: policies[1].safety_stock: should be ...``."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    known = next((place[:n] for n in range(len(place), -1, -1) if place[:n] in lines), None)
    line = "" if known is None else f"line {lines[known]}: "
    return f"{line}{name.removeprefix('.') or 'the file'}: {reason}"
