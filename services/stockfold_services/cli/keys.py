"""``stockfold keys``: who may send and ask what over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.contracts.judging import full_name
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import DAY_US, format_us
from stockfold.runtime.audit import audited
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.keys import READ, RIGHTS, SEND, ApiKey, issue, publish_key, read_keys
from stockfold.runtime.roles import Role
from stockfold.runtime.settings import load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Make, show and withdraw API keys of gateway and api.", no_args_is_help=True)

NAME_CHARACTERS_MAX = 64
_HIDDEN = ("salt", "hash")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is: a system or partner, no person.")],
    may: Annotated[
        list[str] | None,
        typer.Option(
            help="send (to the gateway; the default), read (the api) or reserve (for checkouts); "
            "repeat it."
        ),
    ] = None,
    role: Annotated[
        Role | None,
        typer.Option(help="Of whoever uses the console with it; it may read, too."),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="May name or ask about this channel only; repeat it."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="May speak for this source only; repeat it.")
    ] = None,
    location: Annotated[
        list[str] | None,
        typer.Option(help="May name or ask about this location only; repeat."),
    ] = None,
    event_type: Annotated[
        list[str] | None, typer.Option("--type", help="May send this type only; repeat it.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Days until it expires.")] = 365,
    events_per_s: Annotated[
        int,
        typer.Option(min=1, max=1_000_000, help="Events, or questions, a second on each server."),
    ] = 1_000,
    body_bytes_max: Annotated[
        int, typer.Option(min=1_024, help="Bytes of one request.")
    ] = 1_048_576,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown once, and kept nowhere but by its holder."""
    if not (0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable()):
        raise SettingsError(
            "the name will not do",
            where="NAME",
            remedy=f"Write 1 to {NAME_CHARACTERS_MAX} printable characters.",
        )
    settings = attach(load(config))
    now_us = SYSTEM_CLOCK.now_us()
    key, token = issue(
        name=name,
        may=_rights(may, role),
        channels=_scope(channel),
        sources=_scope(source),
        locations=_scope(location),
        types=_scope([full_name(told) for told in event_type or ()]),
        events_per_s=events_per_s,
        body_bytes_max=body_bytes_max,
        created_at=now_us,
        expires_at=now_us + days * DAY_US,
    )
    if not dry_run:
        confirm(f"Make a key for {name} that may {_told_scope(key)}?", yes)
        with audited(settings, command="keys create", subject=key.key, details=_told(key)):
            publish_key(settings, key)
    if as_json:
        print_json({"dry_run": dry_run, **_told(key), "token": None if dry_run else token})
    elif dry_run:
        _say(f"would make a key for {name} that may {_told_scope(key)}")
    else:
        _say(f"key {key.key} for {name} may {_told_scope(key)}; it is shown this once:")
        typer.echo(token)


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every key, withdrawn and expired ones included; never a secret."""
    now_us = SYSTEM_CLOCK.now_us()
    found = read_keys(attach(load(config))).all()
    if as_json:
        print_json([{**_told(key), "holds": not key.refusal(now_us)} for key in found])
        return
    rows = [
        (
            key.key,
            key.name,
            key.refusal(now_us) or "holds",
            format_us(key.expires_at),
            _told_scope(key),
        )
        for key in found
    ]
    print_table(("key", "name", "state", "expires", "may"), rows)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a key: every gateway and api refuses it within a second."""
    settings = attach(load(config))
    key = read_keys(settings).get(key_id)
    if key is None:
        raise SettingsError(
            f"there is no key {key_id!r}", where="KEY_ID", remedy="See `stockfold keys list`."
        )
    if not dry_run and key.revoked_at is None:
        confirm(f"Withdraw the key {key_id} of {key.name}?", yes)
        key = msgspec.structs.replace(key, revoked_at=SYSTEM_CLOCK.now_us())
        with audited(settings, command="keys revoke", subject=key_id, details={"name": key.name}):
            publish_key(settings, key)
    if as_json:
        print_json({"dry_run": dry_run, **_told(key)})
    else:
        _say(f"key {key_id} of {key.name} {'would be' if dry_run else 'is'} withdrawn")


def _scope(told: list[str] | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(told)) if told else None


def _told(key: ApiKey) -> dict[str, Any]:
    """A key without what proves it."""
    told: dict[str, Any] = msgspec.to_builtins(key)
    return {name: value for name, value in told.items() if name not in _HIDDEN}


def _rights(told: list[str] | None, role: Role | None) -> tuple[str, ...]:
    # A viewer is whoever may read.
    given = [*(told or ()), *([READ] if role else []), *([role] if role in RIGHTS else [])]
    rights = _scope(given) or (SEND,)
    unknown = [right for right in rights if right not in RIGHTS]
    if unknown:
        raise SettingsError(
            f"there is no right {unknown[0]!r}",
            where="--may",
            remedy=f"Write {' or '.join(RIGHTS)}.",
        )
    return rights


def _told_scope(key: ApiKey) -> str:
    told = []
    if SEND in key.may:
        types = ", ".join(key.types or ()) or "every type"
        sources = ", ".join(key.sources or ()) or "every source"
        told.append(f"send {types} for {sources}")
    if READ in key.may:
        told.append(f"read as {key.role}")
    channels = ", ".join(key.channels or ()) or "every channel"
    locations = ", ".join(key.locations or ()) or "every location"
    return f"{' and '.join(told) or 'do nothing'}, about {channels} and {locations}"


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)
