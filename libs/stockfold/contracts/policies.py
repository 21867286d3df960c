"""Channel policies as records of ``stockfold.ChannelPolicy``, and back."""

from __future__ import annotations

from sys import intern
from typing import Any

import msgspec

from stockfold.availability.fitness import problems
from stockfold.availability.policy import Policy
from stockfold.contracts.codec import decode, encoder
from stockfold.domain.errors import ContractError

SCHEMA = "stockfold.ChannelPolicy"
_encode = encoder(SCHEMA)
_DEFAULTED = ("reservations", "silence")
"""Of these, null stands for the defaults."""


def read_policy(value: bytes | None) -> Policy:
    """A policy that is fit to be in force; ContractError names everything that is wrong."""
    schema, body = decode(value)
    if schema.name != SCHEMA:
        raise ContractError("wrong_topic", f"{schema.name} does not belong on the policies topic")
    for field in _DEFAULTED:
        if body[field] is None:
            del body[field]
    try:
        policy = msgspec.convert(body, Policy)
    except msgspec.ValidationError as error:
        raise _refused(str(body["channel"]), str(error)) from error
    wrong = problems(policy)
    if wrong:
        raise _refused(policy.channel, "; ".join(wrong))
    places = policy.locations
    # Positions hold the same names, interned: comparing them is then comparing addresses.
    return msgspec.structs.replace(
        policy,
        channel=intern(policy.channel),
        locations=None if places is None else tuple(map(intern, places)),
    )


def _refused(channel: str, reason: str) -> ContractError:
    return ContractError(
        "bad_policy",
        f"the policy of channel {channel!r} is refused: {reason}",
        remedy="Publish a mended policy with a higher revision.",
    )


def encode_policy(policy: Policy) -> bytes:
    """The record of a policy."""
    # By way of JSON: fastavro takes a tuple in a union for (type name, value).
    record: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(policy))
    return _encode(record)
