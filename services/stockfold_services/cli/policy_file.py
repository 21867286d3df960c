"""Policies as people write them: a YAML file, or the channels of the settings.

A file is refused whole, with the line and the reason of everything that is wrong.

    policies:
      - channel: woo-de
        zone: Europe/Berlin
        locations: [DC-BERLIN, DC-PARIS]   # leave out for all
        safety_stock: 2
        low_stock: 5
        per_location: false

infra/docs/policies.md has every field, with an example.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stockfold.availability.fitness import problems_at
from stockfold.availability.policy import Policy
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy_entry import PolicyEntry
from stockfold_services.cli.policy_known import Known, bases_of, known_of_settings, objections

FILE_BYTES_MAX = 1024 * 1024
POLICIES_MAX = 1000
DEPTH_MAX = 10
REMEDY = "Mend it and try again; nothing was published, the policies before stay in force."

Place = tuple[str | int, ...]


class PolicyFile(BaseModel):
    """A file of policies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: Annotated[list[PolicyEntry], Field(min_length=1, max_length=POLICIES_MAX)]


def from_settings(settings: Settings, known: Known | None = None) -> list[Policy]:
    """The policies that the channels of the settings ask for; SettingsError when unfit.

    ``known`` is what they may refer to; by default the locations of the settings.
    """
    bases = bases_of(settings)
    content = {
        "policies": [
            {
                "channel": channel.name,
                "zone": channel.zone,
                "locations": channel.locations,
                "safety_stock": channel.safety_stock,
                "low_stock": channel.low_stock,
                # As the channel's field has it. Of several bases a file of policies may choose.
                "basis": bases.get(channel.name, ("net",))[0],
                "per_location": bool(channel.location_names),
            }
            for channel in settings.channels
        ]
    }
    if not settings.channels:
        return []
    known = known or known_of_settings(settings)
    return _validated(content, {}, known, "the channels of the settings")


def from_file(path: Path, settings: Settings, known: Known | None = None) -> list[Policy]:
    """The policies of a YAML file; SettingsError with the line of everything that is wrong.

    ``known`` is what they may refer to; by default the locations of the settings.
    """
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
    return _validated(content, lines, known or known_of_settings(settings), str(path))


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


def _validated(content: object, lines: dict[Place, int], known: Known, where: str) -> list[Policy]:
    try:
        entries = PolicyFile.model_validate(content).policies
    except ValidationError as error:
        wrong = [_of_entry(lines, dict(item)) for item in error.errors()]
        raise SettingsError("; ".join(dict.fromkeys(wrong)), where=where, remedy=REMEDY) from None
    policies = [entry.policy() for entry in entries]
    wrong = list(_channels_twice(entries, lines))
    for number, policy in enumerate(policies):
        # It gets its revision when it is published.
        fit = problems_at(msgspec.structs.replace(policy, revision=1))
        for place, reason in (*fit, *objections(policy, known)):
            wrong.append(_sentence(lines, ("policies", number, *place), reason))
    if not wrong:
        for number, (place, reason) in known.overlaps(policies):
            wrong.append(_sentence(lines, ("policies", number, *place), reason))
    if wrong:
        raise SettingsError("; ".join(wrong), where=where, remedy=REMEDY)
    return policies


def _of_entry(lines: dict[Place, int], item: dict[str, Any]) -> str:
    """What pydantic found, at the place that the person wrote: one amount may stand for a rule."""
    place: Place = item["loc"]
    if lines and item["type"] not in {"missing", "extra_forbidden"}:
        place = next((place[:n] for n in range(len(place), 0, -1) if place[:n] in lines), place)
    return _sentence(lines, place, item["msg"].removeprefix("Value error, "))


def _channels_twice(entries: list[PolicyEntry], lines: dict[Place, int]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, entry in enumerate(entries):
        before = first.setdefault(entry.channel, number)
        if before != number:
            place: Place = ("policies", number, "channel")
            line = lines.get(("policies", before, "channel"))
            there = f" (first in line {line})" if line else ""
            yield _sentence(lines, place, f"channel {entry.channel} has a policy already{there}")


def _sentence(lines: dict[Place, int], place: Place, reason: str) -> str:
    """Such as ``line 7: policies[1].safety_stock: should be ...``."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    known = next((place[:n] for n in range(len(place), -1, -1) if place[:n] in lines), None)
    line = "" if known is None else f"line {lines[known]}: "
    return f"{line}{name.removeprefix('.') or 'the file'}: {reason}"
