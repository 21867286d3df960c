"""A real Apache Kafka on this machine: KRaft, one node that is broker and controller."""

from __future__ import annotations

import base64
import logging
import os
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

import orjson
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stockfold.domain.errors import SettingsError, StockfoldError, UnavailableError
from stockfold.runtime.embedded import ports
from stockfold.runtime.embedded.jars import java, kafka_jars
from stockfold.runtime.embedded.process import ServerProcess

log = logging.getLogger(__name__)

START_S_MAX = 120.0
FORMAT_S_MAX = 60.0
STOP_S_MAX = 20.0
ATTEMPTS_MAX = 3

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}

# Topics are declared by stockfold, never made by a typing mistake.
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
min.insync.replicas=1
default.replication.factor=1

# A killed ledger holds its readers up no longer than this.
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# Offsets of a shop that rested for a season are still there.
offsets.retention.minutes=525600

# One small machine: few threads, small buffers, and segments that compaction can reach.
num.network.threads=2
num.io.threads=4
num.replica.fetchers=1
num.recovery.threads.per.data.dir=2
background.threads=2
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=134217728
log.retention.check.interval.ms=60000
log.index.size.max.bytes=2097152
metadata.log.max.record.bytes.between.snapshots=2097152
metadata.max.idle.interval.ms=5000
broker.heartbeat.interval.ms=2000
controlled.shutdown.enable=true
"""

LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.BrokerServer=info",
    "-Djava.awt.headless=true",
    # Kafka 4.1 still unmaps its files this way, and Java 25 would say so at every start.
    "--sun-misc-unsafe-memory-access=allow",
)


class EmbeddedKafka:
    """The broker of one data folder. ``start`` returns its bootstrap address."""

    def __init__(self, folder: Path, *, port: int | None = None, heap_mb: int = 256) -> None:
        self._folder = folder
        self._port = port
        self._heap_mb = heap_mb
        self._properties = folder / "server.properties"
        self._process = ServerProcess("kafka", folder, marker=str(self._properties))

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return self._process.pid

    def start(self) -> str:
        """Start and wait until it serves; ``host:port``. Ends what a killed run left behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        jars = kafka_jars(self._folder)
        self._process.end_left_over()
        self._format_once(jars)
        for attempt in range(1, ATTEMPTS_MAX + 1):
            broker, controller = self._choose_ports()
            try:
                self._run(jars, broker, controller)
            except UnavailableError:
                # Somebody may have taken a port between our look and the broker's.
                taken = "Address already in use" in self._process.tail()
                self.stop()
                if not taken or attempt == ATTEMPTS_MAX:
                    raise
                self._ports_file().unlink(missing_ok=True)
                continue
            except BaseException:
                self.stop()
                raise
            return f"{ports.HOST}:{broker}"
        raise AssertionError("the loop returns or raises")

    def stop(self) -> None:
        """Stop in order; repeating it changes nothing."""
        self._process.stop([(signal.SIGTERM, STOP_S_MAX)])

    def end_left_over(self) -> None:
        """End this folder's broker if a killed run left one behind."""
        self._process.end_left_over()

    def is_running(self) -> bool:
        """True while the broker's process lives."""
        return self._process.is_running()

    def remembered(self) -> str | None:
        """The address of this folder's broker as last started, by whatever process."""
        ports_used = self._remembered_ports()
        return f"{ports.HOST}:{ports_used[0]}" if ports_used else None

    def _run(self, jars: list[Path], broker: int, controller: int) -> None:
        self._write_properties(self._properties, self._logs(), broker, controller)
        memory = [f"-Xms{min(64, self._heap_mb)}m", f"-Xmx{self._heap_mb}m"]
        # C1 alone: on two cores C2 takes more from the services than its code gives back. Measured
        # per event folded by the ledger: 25 to 43 µs of the broker's CPU with it, 12 to 16 without.
        tuning = [
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Xshare:auto",
        ]
        command = [str(java()), *memory, *tuning, *LOGGING]
        command += ["kafka.Kafka", str(self._properties)]
        self._process.start(command, self._environment(jars), cwd=self._folder)
        self._process.wait_until(lambda: ports.answers(broker), START_S_MAX)
        self._process.wait_until(lambda: _serves(broker), START_S_MAX)

    def _environment(self, jars: list[Path]) -> dict[str, str]:
        # Only what the JVM needs: the machine's JAVA_TOOL_OPTIONS and the like are not ours.
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ}
        classpath = os.pathsep.join(str(jar) for jar in jars)
        return {**kept, "CLASSPATH": classpath, "MALLOC_ARENA_MAX": "2"}

    def _logs(self) -> Path:
        return self._folder / "logs"

    def _write_properties(self, path: Path, logs: Path, broker: int, controller: int) -> None:
        text = PROPERTIES.format(broker=broker, controller=controller, logs=logs)
        path.write_text(text, "utf-8")

    def _format_once(self, jars: list[Path]) -> None:
        """Give the broker's storage its identity; beside first, so that it is whole or absent."""
        if (self._logs() / "meta.properties").exists():
            return
        if self._logs().exists() and any(self._logs().iterdir()):
            raise SettingsError(
                "the embedded broker's data has no meta.properties: it is damaged or not Kafka's",
                where=str(self._logs()),
                remedy="Move the folder away and start again; the topics will be made anew.",
            )
        beside = self._folder / "logs.new"
        shutil.rmtree(beside, ignore_errors=True)
        properties = self._folder / "format.properties"
        self._write_properties(properties, beside, 9092, 9093)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [str(java()), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
        command += [*LOGGING, "kafka.tools.StorageTool", "format"]
        # The equals sign keeps an identity that starts with a dash from being read as an option.
        command += [f"--cluster-id={cluster}", "--config", str(properties)]
        try:
            done = subprocess.run(  # noqa: S603 - the command is ours
                command,
                env=self._environment(jars),
                capture_output=True,
                timeout=FORMAT_S_MAX,
                check=False,
                start_new_session=True,
                cwd=self._folder,
            )
        except subprocess.TimeoutExpired:
            raise self._format_failed(f"no end within {FORMAT_S_MAX:.0f} s") from None
        finally:
            properties.unlink(missing_ok=True)
        if done.returncode != 0 or not (beside / "meta.properties").exists():
            raise self._format_failed((done.stdout + done.stderr).decode(errors="replace")[-2_000:])
        shutil.rmtree(self._logs(), ignore_errors=True)
        beside.rename(self._logs())

    def _format_failed(self, problem: str) -> StockfoldError:
        return UnavailableError(
            f"the embedded broker's storage was not formatted: {problem.strip()}",
            where=str(self._folder),
            remedy="Check that the disk has room and the folder can be written.",
        )

    def _ports_file(self) -> Path:
        return self._folder / "ports.json"

    def _remembered_ports(self) -> tuple[int, int] | None:
        try:
            remembered = orjson.loads(self._ports_file().read_bytes())
            return int(remembered["broker"]), int(remembered["controller"])
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    def _choose_ports(self) -> tuple[int, int]:
        """The configured port or the remembered one, else a free one; remembered."""
        broker, controller = self._remembered_ports() or (ports.free_port(), ports.free_port())
        if self._port is not None:
            broker = self._port
            if not ports.is_free(broker):
                raise SettingsError(
                    f"port {broker} is in use by {ports.listener(broker)}",
                    where="kafka.embedded_port",
                    remedy="Stop that process, set another port, or leave it unset.",
                )
        elif not ports.is_free(broker):
            log.warning("port %d is in use by %s: taking another", broker, ports.listener(broker))
            broker = ports.free_port()
        while controller == broker or not ports.is_free(controller):
            controller = ports.free_port()
        record = orjson.dumps({"broker": broker, "controller": controller})
        self._ports_file().write_bytes(record)
        return broker, controller


def _serves(port: int) -> bool:
    admin = AdminClient({"bootstrap.servers": f"{ports.HOST}:{port}", "log_level": 0})
    try:
        return len(admin.list_topics(timeout=5.0).brokers) == 1
    except KafkaException:
        return False
