"""How every service reaches Kafka, and the topics as they must exist on the broker."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from stockfold.contracts.topics import INPUTS, TOPICS, Topic
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

ANSWER_S_MAX = 15.0
# An exception carries the whole input (1 MiB at most, Kafka's default) and what is said about it.
OUTPUT_BYTES_MAX = 4 * 1024 * 1024


def confluent_config(settings: Settings) -> dict[str, Any]:
    """What a confluent-kafka client needs to reach the broker: servers and the options.

    SettingsError when no broker is set: ``stockfold up`` starts one and sets it.
    """
    config: dict[str, Any] = {"bootstrap.servers": _bootstrap(settings), "log_level": 5}
    config.update(_options(settings))
    return config


def aiokafka_config(settings: Settings) -> dict[str, Any]:
    """The same for an aiokafka consumer or producer, as keyword arguments.

    Security options are translated from librdkafka's names; its tuning options do not apply.
    SettingsError for a security option that aiokafka has no counterpart of.
    """
    return aiokafka_options(confluent_config(settings))


def aiokafka_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What of librdkafka's configuration aiokafka is told; see ``aiokafka_config``."""
    config: dict[str, Any] = {"bootstrap_servers": options["bootstrap.servers"]}
    tls: dict[str, str] = {}
    for name, value in options.items():
        if name in _AIOKAFKA_NAMES:
            config[_AIOKAFKA_NAMES[name]] = value.upper() if name in _UPPER else value
        elif name in _TLS_FILES:
            tls[name] = value
        elif name.startswith(("ssl.", "sasl.", "security.")):
            raise SettingsError(
                f"the asyncio services cannot apply the option {name}",
                where="kafka.options",
                remedy="Use " + ", ".join(sorted({*_AIOKAFKA_NAMES, *_TLS_FILES})) + ".",
            )
    if config.get("security_protocol") in ("SSL", "SASL_SSL"):
        config["ssl_context"] = _tls_context(tls)
    return config


_AIOKAFKA_NAMES = {
    "client.id": "client_id",
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_plain_username",
    "sasl.password": "sasl_plain_password",
}
_UPPER = ("security.protocol", "sasl.mechanism", "sasl.mechanisms")
_TLS_FILES = (
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
)


def group_id(settings: Settings, name: str) -> str:
    """The consumer group (or transactional id) ``name`` in this environment."""
    return f"{settings.environment.prefix}stockfold.{name}"


def _bootstrap(settings: Settings) -> str:
    if settings.kafka.bootstrap is None:
        raise SettingsError(
            "no Kafka is set",
            where="kafka.bootstrap",
            remedy="Set it to host:port, or run `stockfold up`, which starts an embedded broker.",
        )
    return settings.kafka.bootstrap


def _options(settings: Settings) -> dict[str, str]:
    return {name: SecretRef(value).resolve() for name, value in settings.kafka.options.items()}


def _tls_context(files: dict[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.get("ssl.ca.location"))
        if "ssl.certificate.location" in files:
            context.load_cert_chain(
                files["ssl.certificate.location"],
                files.get("ssl.key.location"),
                files.get("ssl.key.password"),
            )
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"the TLS files cannot be used: {error}",
            where="kafka.options ssl.*.location",
            remedy="Point them at PEM files that this user can read.",
        ) from error
    return context


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What differs between the declared topics and the broker's."""

    missing: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)


def partitions_of(settings: Settings, topic: Topic) -> int:
    """How many partitions a topic must have."""
    if topic.keyed_by_sku:
        return settings.kafka.sku_partitions
    return settings.kafka.order_partitions if topic.keyed_by_order else topic.partitions


def config_of(topic: Topic) -> dict[str, str]:
    """The broker's configuration of a topic, as declared."""
    config = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(topic.retention_ms),
        "message.timestamp.type": "LogAppendTime" if topic.log_append_time else "CreateTime",
    }
    if topic.superseded_kept_ms:
        config["min.compaction.lag.ms"] = str(topic.superseded_kept_ms)
    if topic not in INPUTS:
        config["max.message.bytes"] = str(OUTPUT_BYTES_MAX)
    return config


def plan_topics(settings: Settings) -> TopicPlan:
    """Compare the declared topics with the broker's, changing nothing.

    SettingsError when the SKU-keyed topics have unequal partition counts: one SKU's inputs and
    journal would then be in different partitions, with different writers.
    """
    admin = _admin(settings)
    counts = _partition_counts(admin, settings)
    present = [t for t in TOPICS if t.full_name(settings.prefix) in counts]
    _refuse_unequal(settings, counts)
    drift = _drift(admin, settings, present, counts)
    missing = [t.full_name(settings.prefix) for t in TOPICS if t not in present]
    return TopicPlan(missing, drift, [t.full_name(settings.prefix) for t in present])


def ensure_topics(settings: Settings) -> list[str]:
    """Create the declared topics that are missing; return their names.

    Nothing that exists is changed or destroyed: drift is logged, one line each, and
    ``plan_topics`` returns it. SettingsError on unequal partition counts, UnavailableError when
    the broker does not answer.
    """
    plan = plan_topics(settings)
    for line in plan.drift:
        log.warning("topic drift: %s", line)
    if not plan.missing:
        return []
    missing = [topic for topic in TOPICS if topic.full_name(settings.prefix) in plan.missing]
    created = create_topics(settings, missing)
    # Whoever created one of them meanwhile may have counted otherwise.
    _refuse_unequal(settings, _wait_until_visible(settings, plan.missing))
    return created


def topic_exists(settings: Settings, topic: Topic) -> bool:
    """Whether the broker has it; UnavailableError when it does not answer."""
    return topic.full_name(settings.prefix) in _partition_counts(_admin(settings), settings)


def ensure_topic(settings: Settings, topic: Topic) -> None:
    """Create one topic if it is missing: an environment of an older release may lack it."""
    if not topic_exists(settings, topic):
        create_topics(settings, [topic])
        _wait_until_visible(settings, [topic.full_name(settings.prefix)])


def create_topics(settings: Settings, topics: Sequence[Topic]) -> list[str]:
    """Create these topics as declared; return the names of those that nobody had created yet."""
    admin = _admin(settings)
    wanted = [
        NewTopic(
            topic.full_name(settings.prefix),
            num_partitions=partitions_of(settings, topic),
            replication_factor=settings.kafka.replication,
            config=config_of(topic),
        )
        for topic in topics
    ]
    created = []
    for name, future in admin.create_topics(wanted, request_timeout=ANSWER_S_MAX).items():
        try:
            future.result(ANSWER_S_MAX)
            created.append(name)
        except KafkaException as error:
            # Another process may have created it meanwhile: that is what we wanted.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _unavailable(settings, f"topic {name} was not created: {error}") from error
        except TimeoutError as error:
            raise _unavailable(settings, f"topic {name} was not created in time") from error
    return sorted(created)


def wait_for_topics(settings: Settings, stop: threading.Event) -> bool:
    """Check the topics as soon as the broker answers; False when ``stop`` came first.

    SettingsError on unequal partition counts: a writer that starts on them would split a SKU.
    """
    backoff_s = 0.2
    while not stop.is_set():
        try:
            plan_topics(settings)
        except UnavailableError as error:
            log.warning("the topics are looked at again in %.1f s: %s", backoff_s, error)
            stop.wait(backoff_s)
            backoff_s = min(backoff_s * 2, ANSWER_S_MAX)
        else:
            return True
    return False


def _admin(settings: Settings) -> AdminClient:
    # What goes wrong is said in our errors; librdkafka's own lines would only repeat it.
    return AdminClient({**confluent_config(settings), "log_level": 0})


def _wait_until_visible(settings: Settings, names: list[str]) -> dict[str, int]:
    admin = _admin(settings)
    deadline = time.monotonic() + ANSWER_S_MAX
    while time.monotonic() < deadline:
        counts = _partition_counts(admin, settings)
        if set(names) <= set(counts):
            return counts
        time.sleep(0.05)
    raise _unavailable(settings, "the created topics did not become visible in time")


def _partition_counts(admin: AdminClient, settings: Settings) -> dict[str, int]:
    try:
        metadata = admin.list_topics(timeout=ANSWER_S_MAX)
    except KafkaException as error:
        raise _unavailable(settings, f"Kafka did not answer: {error}") from error
    return {name: len(topic.partitions) for name, topic in metadata.topics.items()}


def _refuse_unequal(settings: Settings, counts: dict[str, int]) -> None:
    names = [t.full_name(settings.prefix) for t in TOPICS if t.keyed_by_sku]
    found = {name: counts[name] for name in names if name in counts}
    wanted = settings.kafka.sku_partitions
    if not found or set(found.values()) == {wanted}:
        return
    if len(set(found.values())) == 1:
        count = next(iter(found.values()))
        raise SettingsError(
            f"the SKU-keyed topics have {count} partitions, the settings say {wanted}",
            where=f"kafka.sku_partitions, broker {settings.kafka.bootstrap}",
            remedy=f"Set kafka.sku_partitions = {count}, or use another environment.prefix.",
        )
    listed = ", ".join(f"{name}: {count}" for name, count in found.items() if count != wanted)
    raise SettingsError(
        f"SKU-keyed topics have unequal partition counts ({wanted} wanted; {listed})",
        where=f"broker {settings.kafka.bootstrap}",
        remedy="One SKU must have one partition number in all of them: use another "
        "environment.prefix, or move the data to topics of equal counts.",
    )


def _drift(
    admin: AdminClient, settings: Settings, present: list[Topic], counts: dict[str, int]
) -> list[str]:
    lines: list[str] = []
    resources = {
        ConfigResource(ResourceType.TOPIC, topic.full_name(settings.prefix)): topic
        for topic in present
    }
    if not resources:
        return lines
    answers = admin.describe_configs(list(resources), request_timeout=ANSWER_S_MAX)
    for resource, future in answers.items():
        topic = resources[resource]
        name = topic.full_name(settings.prefix)
        wanted = partitions_of(settings, topic)
        if not topic.keyed_by_sku and counts[name] != wanted:
            lines.append(f"{name}: {counts[name]} partitions, declared {wanted}")
        try:
            actual = future.result(ANSWER_S_MAX)
        except (KafkaException, TimeoutError) as error:
            raise _unavailable(settings, f"topic {name} was not described: {error}") from error
        lines += [
            f"{name}: {key} is {actual[key].value}, declared {wanted}"
            for key, wanted in config_of(topic).items()
            if key in actual and actual[key].value != wanted
        ]
    return lines


def _unavailable(settings: Settings, what: str) -> UnavailableError:
    return UnavailableError(
        what,
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check that the broker runs and can be reached from here, then try again.",
    )
