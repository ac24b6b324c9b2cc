"""The account a sandbox serves when none was named: drawn once, kept beside the state, readable by its owner alone."""

import os
import secrets
from pathlib import Path

import msgspec

from tradectl.model.errors import ErrorCode, Problem
from tradectl.sandbox.config import SandboxAccount, SandboxConfig
from tradectl.sandbox.options import FIRST_UID


def with_accounts(config: SandboxConfig) -> SandboxConfig:
    """``config`` with at least one account and its state directory made.

    Without one named, the account is read from ``account.json`` in the state directory, or drawn and kept there
    (mode 0600). Raises :class:`Problem` when that file cannot be used.
    """
    if config.state:
        Path(config.state).mkdir(parents=True, exist_ok=True, mode=0o700)
    if config.accounts:
        return config
    account = _kept(Path(config.state) / "account.json") if config.state else _drawn()
    return msgspec.structs.replace(config, accounts=(account,))


def _drawn() -> SandboxAccount:
    return SandboxAccount(secrets.token_hex(9), secrets.token_hex(18), str(FIRST_UID))


def _kept(path: Path) -> SandboxAccount:
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=SandboxAccount)
        except msgspec.MsgspecError as error:
            raise Problem(
                ErrorCode.INVALID_SETTING,
                f"{path} is not an account file: {error}",
                field="state",
                remedy="Remove the file to draw a new key, or pass --api-key and --api-secret",
            ) from error
    account = _drawn()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(account) + b"\n")
    return account
