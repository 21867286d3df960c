"""Kafka Streams in Java: its jars, the peer's classes, and the command that runs it.

Nothing but the packaged Java is needed: it has no compiler of its own, so Eclipse's comes from
Maven beside the jars of Kafka Streams, as the broker's jars do.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from stockfold.contracts.registry import default_registry
from stockfold.contracts.topics import INPUT_OF
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.embedded.jars import java, kafka_jars

STREAMS = "org.apache.kafka:kafka-streams:4.1.2+org.slf4j:slf4j-simple:1.7.36"
COMPILER = "org.eclipse.jdt:ecj:3.45.0"
SOURCES = Path(__file__).parent / "kafka_streams"
JVM = (
    # Half of it for what is young: a record of the decisions says what else was tried.
    "-Xms1g",
    "-Xmx1g",
    "-Xmn512m",
    "-XX:+UseSerialGC",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    # It says every time that it asks again after a commit.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.producer.internals.Sender=error",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)


def command(built: Path, bootstrap: str, prefix: str, state: Path, threads: int) -> list[str]:
    """What starts the peer; ``built`` is where its classes are kept, compiled anew each time."""
    built.mkdir(parents=True, exist_ok=True)
    classpath = os.pathsep.join(str(jar) for jar in kafka_jars(built, STREAMS))
    classes = built / "classes"
    _compile(built, classes, classpath)
    schemas = built / "schemas.json"
    found = (default_registry().by_name(name) for name in INPUT_OF)
    schemas.write_text(json.dumps({schema.id: schema.definition for schema in found}))
    everything = os.pathsep.join((str(classes), classpath))
    given = [f"-Dnum.stream.threads={threads}", *_tried()]
    peer = [str(java()), *JVM, *given, "-cp", everything, "peer.Main"]
    return [*peer, bootstrap, prefix, str(state), str(schemas)]


def _tried() -> list[str]:
    """Settings of Kafka Streams or the JVM to try instead: ``-Dlinger.ms=20 -XX:+UseG1GC``."""
    return os.environ.get("KAFKA_STREAMS_OPTS", "").split()


def _compile(built: Path, classes: Path, classpath: str) -> None:
    shutil.rmtree(classes, ignore_errors=True)
    (compiler,) = kafka_jars(built, COMPILER)
    run = [str(java()), "-cp", str(compiler), "org.eclipse.jdt.internal.compiler.batch.Main"]
    run += ["-21", "-d", str(classes), "-cp", classpath, str(SOURCES)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise UnavailableError(
            f"the peer in Java does not compile: {done.stdout}{done.stderr}",
            where=str(SOURCES),
            remedy="Mend what the compiler names.",
        )
