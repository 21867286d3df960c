"""Where settings come from, and how each value got there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as SourceError

from stockfold.domain.errors import SettingsError
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import Settings, is_secret_option

FILE_NAME = "stockfold.toml"
ENV_PREFIX = "STOCKFOLD_"
DELIMITER = "__"
# Read by other parts than the settings, so they are no misspelt settings.
OTHER_VARIABLES = ("STOCKFOLD_CONFIG", "STOCKFOLD_LOG_", "STOCKFOLD_TEST_", "STOCKFOLD_FAULT_")


@dataclass(frozen=True, slots=True)
class Value:
    """One setting: its name, value, and which source gave it."""

    name: str
    value: object
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and the raw content of their sources."""

    settings: Settings
    path: Path | None
    from_file: dict[str, Any]
    from_environment: dict[str, Any]


def read(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Read and validate both sources. See ``settings.load``."""
    file = _find(path, environ)
    from_file = _read_file(file) if file else {}
    from_environment = _read_environment(environ)
    try:
        settings = Settings.model_validate(_merge(from_file, from_environment))
    except ValidationError as error:
        raise SettingsError(
            _problems(error, from_environment),
            where=str(file) if file else "the environment and the defaults",
            remedy="Mend it; `stockfold config show` lists every setting with its meaning.",
        ) from None
    return Loaded(settings, file, from_file, from_environment)


def _find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    named = path or (Path(environ["STOCKFOLD_CONFIG"]) if environ.get("STOCKFOLD_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(
                "the settings file is not there",
                where=str(named),
                remedy="Create it, or name another by --config or STOCKFOLD_CONFIG.",
            )
        return named
    here = Path(FILE_NAME)
    return here if here.is_file() else None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"the settings file cannot be read: {error}",
            where=str(path),
            remedy="Write it as TOML in UTF-8.",
        ) from error


class _Environment(EnvSettingsSource):
    """pydantic-settings' reader, over a given mapping instead of the process's own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name.lower(): value for name, value in environ.items()}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._environ


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {name.upper() for name in _sections()}
    for name in environ:
        if not name.startswith(ENV_PREFIX) or name.startswith(OTHER_VARIABLES):
            continue
        section = name.removeprefix(ENV_PREFIX).split(DELIMITER)[0].upper()
        if section not in known:
            raise SettingsError(
                f"the environment variable {name} names no setting",
                where="the environment",
                remedy=f"Write {ENV_PREFIX}SECTION{DELIMITER}NAME, such as "
                f"{ENV_PREFIX}KAFKA{DELIMITER}BOOTSTRAP.",
            )
    try:
        return dict(_Environment(environ)())
    except SourceError as error:
        raise SettingsError(
            f"an environment variable cannot be read: {error}",
            where="the environment",
            remedy="Lists and sections as a whole are written as JSON.",
        ) from error


def _sections() -> list[str]:
    return list(Settings.model_fields)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _problems(error: ValidationError, from_environment: dict[str, Any]) -> str:
    """Every problem of a validation, by setting; values are left out: they may be secrets."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"]) or "settings"
        text = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            text = "there is no such setting"
        source = " (from the environment)" if _has(from_environment, problem["loc"]) else ""
        lines.append(f"{name}{source}: {text}")
    return "; ".join(lines)


def _has(tree: object, place: tuple[int | str, ...]) -> bool:
    if not place:
        return True
    return isinstance(tree, dict) and place[0] in tree and _has(tree[place[0]], place[1:])


def explain(loaded: Loaded) -> list[Value]:
    """Every setting with its value, its source and its meaning."""
    return list(_walk(loaded, loaded.settings, ()))


def _walk(loaded: Loaded, node: BaseModel, place: tuple[int | str, ...]) -> Iterator[Value]:
    for name, field in type(node).model_fields.items():
        value = getattr(node, name)
        here = (*place, name)
        if isinstance(value, BaseModel):
            yield from _walk(loaded, value, here)
        elif isinstance(value, list) and value and isinstance(value[0], BaseModel):
            for index, item in enumerate(value):
                yield from _walk(loaded, item, (*here, index))
        else:
            yield Value(
                ".".join(str(part) for part in here),
                value,
                _source(loaded, here),
                field.description or "",
            )


def _source(loaded: Loaded, place: tuple[int | str, ...]) -> str:
    if _given(loaded.from_environment, place):
        # A list is given as a whole, so its variable is named up to the list.
        names = [str(part).upper() for part in _before_index(place)]
        return f"environment {ENV_PREFIX}{DELIMITER.join(names)}"
    if _given(loaded.from_file, place):
        return f"file {loaded.path}"
    return "default"


def _given(tree: Any, place: tuple[int | str, ...]) -> bool:
    for part in place:
        inside_list = isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        if not inside_list and not (isinstance(tree, dict) and part in tree):
            return False
        tree = tree[part]
    return True


def _before_index(place: tuple[int | str, ...]) -> list[str]:
    names: list[str] = []
    for part in place:
        if isinstance(part, int):
            break
        names.append(part)
    return names


def shown(value: object) -> object:
    """A value as JSON can carry it; secrets stay references."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict):
        return {str(key): _shown_of(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return str(value)


def _shown_of(key: str, item: object) -> object:
    is_plain = is_secret_option(key) and isinstance(item, str)
    return SecretRef(str(item)).reference if is_plain else shown(item)
