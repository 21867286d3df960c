"""What a source or channel calls our SKUs, locations and units, and what it means by it."""

from __future__ import annotations

from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias

AliasKey = tuple[str, str, str]
"""(kind, scope, code)."""


class AliasBook:
    """The aliases in force. A code of a scope means one thing, or nothing."""

    def __init__(self) -> None:
        self._targets: dict[AliasKey, str] = {}

    def __len__(self) -> int:
        return len(self._targets)

    def put(self, alias: Alias) -> None:
        """Put an alias into force in the place of the one before; an inactive one is withdrawn."""
        key = (alias.kind, alias.scope, alias.code)
        if alias.active:
            self._targets[key] = alias.target
        else:
            self._targets.pop(key, None)

    def add(self, alias: Alias) -> None:
        """Put an alias that must be new. ContractError ``ambiguous_alias`` for another target."""
        known = self._targets.get((alias.kind, alias.scope, alias.code))
        if known is not None and known != alias.target:
            raise ContractError(
                "ambiguous_alias",
                f"{alias.kind} {alias.code!r} of {alias.scope} means both {known} and "
                f"{alias.target}",
                remedy="Decide which one it is.",
            )
        self.put(alias)

    def withdraw(self, kind: str, scope: str, code: str) -> None:
        """Forget an alias."""
        self._targets.pop((kind, scope, code), None)

    def resolve(self, kind: str, scope: str, code: str) -> str:
        """Our own name for the code; the code itself when the scope has no alias for it."""
        return self._targets.get((kind, scope, code), code)
