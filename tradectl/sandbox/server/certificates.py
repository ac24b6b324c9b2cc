"""The TLS listener's certificate: the operator's own, or one under a private CA made for this sandbox."""

import datetime
import ipaddress
import os
import ssl
import tempfile
from pathlib import Path

from tradectl.model.errors import ErrorCode, Problem
from tradectl.sandbox.config import SandboxConfig

_DAYS = 825
#: Hosts that constructor-only pybit builds from ``domain="sandbox.test"`` (bybit-v5 11.1), and this machine.
_NAMES = ("localhost", "sandbox.test", "api.sandbox.test", "stream.sandbox.test")


def server_context(config: SandboxConfig) -> tuple[ssl.SSLContext, str]:
    """The listener's context and the file a client trusts.

    Without a certificate given, a CA and a certificate are made once in the state directory (or a temporary one).
    Raises :class:`Problem` for a certificate that cannot be read.
    """
    if config.tls_cert:
        cert, key, trust = Path(config.tls_cert), Path(config.tls_key or config.tls_cert), Path(config.tls_cert)
    else:
        directory = Path(config.state) if config.state else Path(tempfile.mkdtemp(prefix="tradectl-sandbox-"))
        trust, cert, key = (directory / name for name in ("ca.pem", "server.pem", "server.key"))
        if not (trust.exists() and cert.exists() and key.exists()):
            _make(config.host, trust, cert, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise Problem(
            ErrorCode.INVALID_SETTING,
            f"cannot use the certificate {cert} with the key {key}: {error}",
            field="tls_cert",
            remedy="Give a PEM certificate chain and its key, or none for a private CA",
        ) from error
    return context, str(trust)


def _make(host: str, trust: Path, cert: Path, key: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("tradectl sandbox CA"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=_DAYS))
        )

    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = builder("tradectl sandbox CA", ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    names: list[x509.GeneralName] = [x509.DNSName(text) for text in _NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in dict.fromkeys(("127.0.0.1", "::1", _ip(host)))]
    server = builder("tradectl sandbox", server_key.public_key()).add_extension(
        x509.SubjectAlternativeName(names), critical=False
    )
    pem = serialization.Encoding.PEM
    trust.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    cert.write_bytes(server.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    descriptor = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def _ip(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "127.0.0.1"
