"""A certificate authority for one test, and the broker's certificate that it signs."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.embedded.kafka_configuration import BROKER_NAME, KafkaSecurity
from pipeline.embedded.process import LOOPBACK

SUPERUSER = "admin"


def new_security(folder: Path, passwords: dict[str, str]) -> KafkaSecurity:
    """Files in ``folder``, and a super user besides the users of ``passwords``."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Molva's test authority")
    ca = _signed(_builder(issuer, issuer, authority, ca=True), authority)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    broker = _builder(_name(BROKER_NAME), issuer, own, ca=False).add_extension(alternative, critical=False)
    files = [folder / name for name in ("ca.pem", "broker.crt", "broker.key")]
    files[0].write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(_signed(broker, authority).public_bytes(serialization.Encoding.PEM))
    files[2].write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return KafkaSecurity(*files, SUPERUSER, {SUPERUSER: "the-super-user's", **passwords})


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def _signed(builder: x509.CertificateBuilder, authority: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return builder.sign(authority, hashes.SHA256())
