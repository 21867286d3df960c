"""An embedded Kafka that also listens with TLS, and lets nobody in there without a password."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.embedded.ports import free_port

USER, PASSWORD = "monitor", "a-password-for-tests"
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


class SaslKafka(EmbeddedKafka):
    """Clients of tests use the plain listener, the monitor ``sasl_address``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self._keys = folder / "broker.pem", folder / "broker-key.pem"
        _make_certificate(self.certificate, self._keys)
        self.sasl_address = f"127.0.0.1:{free_port()}"

    def _write_properties(self, path: Path, logs: Path, broker: int, controller: int) -> None:
        super()._write_properties(path, logs, broker, controller)
        listener = f",SASL_SSL://{self.sasl_address}"
        more = {
            "listeners": listener,
            "advertised.listeners": listener,
            "listener.security.protocol.map": ",SASL_SSL:SASL_SSL",
        }
        lines = [
            line + more.get(line.partition("=")[0], "")
            for line in path.read_text("utf-8").splitlines()
        ]
        lines += [
            "sasl.enabled.mechanisms=PLAIN",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={self._keys}",
            f'listener.name.sasl_ssl.plain.sasl.jaas.config={_LOGIN} user_{USER}="{PASSWORD}";',
        ]
        path.write_text("\n".join(lines) + "\n", "utf-8")


def _make_certificate(certificate: Path, keys: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a broker of tests")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    raw = made.public_bytes(serialization.Encoding.PEM)
    certificate.write_bytes(raw)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    keys.write_bytes(secret + raw)
