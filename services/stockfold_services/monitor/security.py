"""How the monitor proves itself to Kafka: ``kafka.options``, in Faust's words."""

from __future__ import annotations

from typing import Any

from faust.auth import SASLCredentials, SSLCredentials

from stockfold.domain.errors import SettingsError
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.settings import Settings

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def credentials_of(settings: Settings) -> Any:
    """Faust's ``broker_credentials``; None for a broker that asks for nothing.

    SettingsError for an option that the asyncio clients cannot apply, or another mechanism.
    """
    told = aiokafka_config(settings)
    protocol, context = told.get("security_protocol", "PLAINTEXT"), told.get("ssl_context")
    if protocol == "SSL":
        return SSLCredentials(context)
    if protocol not in ("SASL_SSL", "SASL_PLAINTEXT"):
        return None
    mechanism = told.get("sasl_mechanism", "PLAIN")
    if mechanism not in MECHANISMS:
        raise SettingsError(
            f"the monitor cannot sign in by {mechanism}",
            where="kafka.options sasl.mechanism",
            remedy="Use " + ", ".join(MECHANISMS) + ".",
        )
    return SASLCredentials(
        mechanism=mechanism,
        username=told.get("sasl_plain_username"),
        password=told.get("sasl_plain_password"),
        ssl_context=context,
    )
