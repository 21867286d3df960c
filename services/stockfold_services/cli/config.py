"""``stockfold config``: what is set, where it came from, and whether it will do."""

from __future__ import annotations

import os

import typer
from rich.console import Console

from stockfold.domain.errors import SettingsError
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import Settings, is_secret_option
from stockfold.runtime.sources import explain, read, shown
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Show and check the settings.", no_args_is_help=True)


@app.command()
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every setting: its value, where it came from, and its meaning."""
    loaded = read(config, os.environ)
    values = explain(loaded)
    if as_json:
        print_json(
            {
                "file": str(loaded.path) if loaded.path else None,
                "settings": [
                    {
                        "name": value.name,
                        "value": shown(value.value),
                        "source": value.source,
                        "description": value.description,
                    }
                    for value in values
                ],
            }
        )
        return
    rows = [
        (
            value.name,
            "" if value.value is None else shown(value.value),
            value.source,
            value.description,
        )
        for value in values
    ]
    print_table(("setting", "value", "from", "meaning"), rows)


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Validate the settings and see that every secret they refer to is there."""
    loaded = read(config, os.environ)
    problems = _missing_secrets(loaded.settings)
    if problems:
        raise SettingsError(
            "; ".join(problems),
            where=str(loaded.path or "the environment and the defaults"),
            remedy="Provide the secrets, then check again.",
        )
    if as_json:
        print_json({"valid": True, "file": str(loaded.path) if loaded.path else None})
    else:
        Console().print(f"valid: {loaded.path or 'no file, environment and defaults'}")


def _missing_secrets(settings: Settings) -> list[str]:
    secrets: list[tuple[str, SecretRef]] = [
        (f"kafka.options.{name}", SecretRef(value))
        for name, value in settings.kafka.options.items()
        if is_secret_option(name)
    ]
    if settings.postgres.dsn is not None:
        secrets.append(("postgres.dsn", settings.postgres.dsn))
    if settings.registry.password is not None:
        secrets.append(("registry.password", settings.registry.password))
    for channel in settings.channels:
        secrets += [(f"channel {channel.name} {name}", s) for name, s in channel.secrets.items()]
    problems = []
    for name, secret in secrets:
        try:
            secret.resolve()
        except SettingsError as error:
            problems.append(f"{name}: {error.what}")
    return problems
