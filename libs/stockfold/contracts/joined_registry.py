"""Our lock file and a producer's registry as one: ids mean what the registry says.

A registry gives ids by its own count, so its id 3 may be another type than ours. Ids are therefore
asked of the registry first, and what it does not know, or knows as nothing of ours, is looked up
in the lock file. Where both know an id as types of ours, the event's own ``ce_type`` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stockfold.contracts.compatibility import unreadable
from stockfold.contracts.registry import Registry, Schema
from stockfold.contracts.releases import fingerprint
from stockfold.domain.errors import ContractError

IDS_MAX = 10_000


class JoinedRegistry:
    """``ours`` says what the types are; ``theirs`` may know them under further ids."""

    def __init__(self, ours: Registry, theirs: Registry) -> None:
        self._ours = ours
        self._theirs = theirs
        self._accepted: dict[int, Schema] = {}

    def by_id(self, schema_id: int, expected: str = "") -> Schema:
        """See ``Registry.by_id``; also ContractError ``incompatible_schema``.

        UnavailableError when the registry does not answer: an id is never guessed.
        """
        here = self._here(schema_id)
        there = self._accepted.get(schema_id)
        if there is None:
            try:
                found = self._theirs.by_id(schema_id)
            except ContractError as error:
                if here is not None and error.kind == "unknown_schema":
                    return here
                raise
            if here is not None and here.name == expected != found.name:
                return here
            if not self._ours.versions(found.name):
                if here is not None:
                    return here
                raise ContractError(
                    "unknown_schema",
                    f"schema id {schema_id} is {found.name} in the registry, which is no event "
                    "of ours",
                    remedy="Send one of the event types that the topic declares.",
                )
            there = self._accept(found)
        if here is not None and here.name == expected != there.name:
            return here
        return there

    def by_name(self, name: str) -> Schema:
        """See ``Registry.by_name``: what the newest is, we say."""
        return self._ours.by_name(name)

    def versions(self, name: str) -> Sequence[Schema]:
        """See ``Registry.versions``."""
        return self._ours.versions(name)

    def _here(self, schema_id: int) -> Schema | None:
        try:
            return self._ours.by_id(schema_id)
        except ContractError:
            return None

    def _accept(self, found: Schema) -> Schema:
        """A producer's schema under a name of ours, if what it writes can be read."""
        said = fingerprint(found.definition)
        for version in self._ours.versions(found.name):
            if fingerprint(version.definition) == said:
                accepted = replace(version, id=found.id)
                break
        else:
            newest = self._ours.by_name(found.name)
            wrong = unreadable(newest.definition, found.definition)
            if wrong:
                raise ContractError(
                    "incompatible_schema",
                    f"schema id {found.id} is another {found.name} than ours: "
                    + "; ".join(f"{w.place} {w.reason}" for w in wrong[:5]),
                    remedy="Use the schema as it is published; ask us for what it lacks.",
                )
            accepted = found
        while len(self._accepted) >= IDS_MAX:
            del self._accepted[next(iter(self._accepted))]
        self._accepted[found.id] = accepted
        return accepted
