"""Signatures of requests and sockets (bybit-v5 2): HMAC for system-generated keys, RSA for self-generated ones."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from tradectl.exchange.bybit.config import Credentials

#: How long after its making a socket's auth request may arrive, in milliseconds.
AUTH_LEAD_MS = 10_000


class Signer:
    """Signs texts with one key. The secret never shows in its ``repr``."""

    def __init__(self, credentials: Credentials) -> None:
        self.key = credentials.key
        self._sign = _rsa_signer(credentials.secret) if credentials.is_rsa else _hmac_signer(credentials.secret)

    def __repr__(self) -> str:
        return f"Signer(key={self.key[:4]}..., secret=redacted)"

    def request(self, timestamp: int, recv_window: int, payload: str) -> str:
        """Signature of a REST request: ``payload`` is the raw query or body, ``timestamp`` in milliseconds."""
        return self._sign(f"{timestamp}{self.key}{recv_window}{payload}".encode())

    def socket_args(self, now_ms: int) -> list[object]:
        """``args`` of the auth request of a private or trade socket; ``now_ms`` on the venue's clock."""
        expires = now_ms + AUTH_LEAD_MS
        return [self.key, expires, self._sign(f"GET/realtime{expires}".encode())]


def _hmac_signer(secret: str) -> Callable[[bytes], str]:
    key = secret.encode()
    return lambda text: hmac.new(key, text, hashlib.sha256).hexdigest()


def _rsa_signer(pem: str) -> Callable[[bytes], str]:
    # pycryptodome comes with pybit; HMAC accounts never pay for its import.
    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA
    from Crypto.Signature import pkcs1_15

    signer = pkcs1_15.new(RSA.import_key(pem))
    return lambda text: base64.b64encode(signer.sign(SHA256.new(text))).decode()
