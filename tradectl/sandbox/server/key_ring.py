"""The API keys a sandbox serves, and the checks each signed request passes (bybit-v5 2.1-2.3)."""

from collections.abc import Iterable, Mapping

from tradectl.matching.records import Refused
from tradectl.sandbox.config import SandboxAccount
from tradectl.sandbox.server.signature import check_time, matches, parse_milliseconds, parse_window


class KeyRing:
    """Finds the account of a signed request. All methods raise ``Refused`` with Bybit's code."""

    def __init__(self, accounts: Iterable[SandboxAccount]) -> None:
        self._accounts = {account.key: account for account in accounts}

    def accounts(self) -> list[SandboxAccount]:
        return list(self._accounts.values())

    def rest(self, headers: Mapping[str, str], text: bytes, now_ms: int, peer: str) -> SandboxAccount:
        """The account that signed ``text`` (raw query or raw body) with these lower-case headers.

        Raises 10001 for empty values, 10003 unknown key, 10002 time, 10004 signature, 10010 peer address.
        """
        stamp, key, sign = (headers.get(f"x-bapi-{name}", "") for name in ("timestamp", "api-key", "sign"))
        if not (stamp and key and sign):
            raise Refused(
                10001,
                f"empty value: apiTimestamp[{stamp}] apiKey[{key}] apiSignature[{sign}]: openapi sign params error!",
            )
        account = self._known(key, peer)
        timestamp = parse_milliseconds(stamp)
        if timestamp is None:
            raise Refused(10001, f"params error: timestamp invalid: {stamp}")
        raw_window = headers.get("x-bapi-recv-window", "")
        check_time(timestamp, parse_window(raw_window), now_ms)
        origin = f"{stamp}{key}{raw_window}".encode() + text
        if not matches(account.secret, origin, sign):
            raise Refused(10004, f"error sign! origin_string[{origin.decode('utf-8', 'replace')}]")
        return account

    def websocket(self, args: object, now_ms: int, peer: str) -> SandboxAccount:
        """The account of an ``auth`` message: ``args`` is key, expires, signature of ``GET/realtime`` + expires.

        Raises 10001 for anything else or an expiry that is not in the future, 10003 unknown key, 10004 signature.
        """
        if not isinstance(args, list) or len(args) != 3:
            raise Refused(10001, "Params Error")
        key, expires, sign = args
        timestamp = parse_milliseconds(expires)
        if not isinstance(key, str) or not isinstance(sign, str) or timestamp is None:
            raise Refused(10001, "Params Error")
        account = self._known(key, peer)
        if timestamp <= now_ms:
            raise Refused(10001, "Params Error: expires is in the past")
        if not matches(account.secret, f"GET/realtime{expires}".encode(), sign):
            raise Refused(10004, "Params Error: error sign")
        return account

    def _known(self, key: str, peer: str) -> SandboxAccount:
        account = self._accounts.get(key)
        if account is None:
            raise Refused(10003, "API key is invalid.")
        if account.ips and peer not in account.ips:
            raise Refused(10010, f"Unmatched IP, please check your API key's bound IP addresses. [{peer}]")
        return account
