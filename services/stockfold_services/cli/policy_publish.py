"""Reading the policies in force, and publishing those that differ with rising revisions."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

import stamina
from confluent_kafka import KafkaError, KafkaException, Producer

from stockfold.availability.policy import Policy
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import POLICIES
from stockfold.runtime.audit import audited
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.availability.policies import OVERLAPS_TAKEN, PolicyBook
from stockfold_services.cli.policy_compare import PolicyOutcome, compare, differing, is_richer
from stockfold_services.cli.policy_file import from_settings

ANSWER_S_MAX = 15.0
_NO_LEADER_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


def policies_in_force(settings: Settings) -> dict[str, Policy]:
    """The newest policy of each channel, as every availability process reads them.

    UnavailableError when the broker does not answer.
    """
    with _policy_errors(settings, "read"):
        return _read(settings)


def _read(settings: Settings) -> dict[str, Policy]:
    # A topic that was made this moment may not have its leader yet.
    for attempt in stamina.retry_context(
        on=_passes, attempts=None, timeout=ANSWER_S_MAX, wait_initial=0.05, wait_max=1.0
    ):
        with attempt:
            book = PolicyBook()
            for batch in PartitionReader(settings).read(POLICIES, 0):
                for record in batch:
                    book.apply(record)
    return book.policies


def _passes(error: Exception) -> bool:
    # By code: the admin client's errors never call themselves retriable.
    return isinstance(error, KafkaException) and error.args[0].code() in _NO_LEADER_YET


def _policy_errors(settings: Settings, what: str) -> AbstractContextManager[None]:
    return kafka_errors(
        f"the policies were not {what}",
        where=f"{POLICIES.full_name(settings.prefix)} at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that nobody else publishes policies now; then try again.",
    )


def publish_policies(settings: Settings) -> list[PolicyOutcome]:
    """Publish the policies of ``settings.channels`` that differ from those in force.

    For whatever starts everything by itself: nobody is asked, and the audit tells it. A channel
    whose policy in force says more than the settings can say keeps it.
    """
    wanted = from_settings(settings)
    if not wanted:
        return []
    in_force = policies_in_force(settings)
    wanted = [
        policy
        for policy in wanted
        if policy.channel not in in_force or not is_richer(in_force[policy.channel], policy)
    ]
    planned = publish(settings, wanted, dry_run=True)
    if not differing(planned):
        return planned
    return publish_audited(settings, wanted, planned, "up")


def publish_audited(
    settings: Settings,
    wanted: list[Policy],
    planned: Iterable[PolicyOutcome],
    command: str,
    *,
    takes_overlaps: bool = False,
) -> list[PolicyOutcome]:
    """``publish``, written down as what was planned."""
    changed = differing(planned)
    with audited(
        settings, command=command, subject=", ".join(changed), details={"changes": changed}
    ) as result:
        outcomes = publish(settings, wanted, takes_overlaps=takes_overlaps)
        result["revisions"] = {o.channel: o.revision for o in outcomes if o.channel in changed}
    return outcomes


def publish(
    settings: Settings,
    wanted: list[Policy],
    *,
    dry_run: bool = False,
    takes_overlaps: bool = False,
) -> list[PolicyOutcome]:
    """Publish the wanted policies that differ, in one transaction; channels not named stay.

    ``takes_overlaps`` lets their ring-fences add up to more than a pool with those of others.
    UnavailableError when the broker does not answer, or somebody else publishes meanwhile: the
    transactional id is one for all, so that no two can give out the same revision.
    """
    if not wanted:
        return []
    if dry_run:
        return [outcome for _, outcome in compare(wanted, policies_in_force(settings))]
    producer = Producer(
        {
            **confluent_config(settings),
            "transactional.id": group_id(settings, "policies"),
            "transaction.timeout.ms": 10_000,
            "log_level": 0,
        }
    )
    with _policy_errors(settings, "published"):
        producer.init_transactions(ANSWER_S_MAX)
        compared = compare(wanted, _read(settings))
        changed = [policy for policy, outcome in compared if outcome.action != "unchanged"]
        if changed:
            _commit(settings, producer, changed, takes_overlaps=takes_overlaps)
    return [outcome for _, outcome in compared]


def _commit(
    settings: Settings, producer: Producer, policies: list[Policy], *, takes_overlaps: bool
) -> None:
    name = POLICIES.full_name(settings.prefix)
    headers: list[tuple[str, str | bytes | None]] = [OVERLAPS_TAKEN] if takes_overlaps else []
    producer.begin_transaction()
    for policy in policies:
        producer.produce(name, encode_policy(policy), policy.channel.encode(), 0, headers=headers)
    producer.commit_transaction(ANSWER_S_MAX)
