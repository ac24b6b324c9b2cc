"""What a key may do: a review wants one that can read and nothing else."""

from msgspec import Struct

from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.wire import KeyInfo
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.errors import ErrorCode, Problem

#: Wrong, unknown, expired or refused keys (bybit-v5 2.3), and what to do about each.
REMEDIES = {
    10003: "Bybit does not know the key here: a key belongs to one of mainnet, testnet and demo, see --mode",
    10004: "The secret does not belong to the key: copy both again",
    10005: "The key lacks a permission: give it read access to orders, positions and the account",
    10007: "The key is not accepted: copy key and secret again",
    10010: "The key is bound to other addresses than this machine's",
    33004: "The key has expired: make a new one",
}


class KeyPowers(Struct, frozen=True):
    """``known`` is false where the venue does not tell (demo). ``can`` names what it may do beyond reading."""

    uid: str
    known: bool
    can: tuple[str, ...] = ()


async def read_powers(rest: Rest) -> KeyPowers:
    """Ask what the key may do. Raises ``ReadFailed``."""
    try:
        key = await rest.read("get_api_key_information", KeyInfo)
    except ReadFailed as failure:
        if failure.code in (404, 10017):  # demo may lack query-api (bybit-v5 1)
            return KeyPowers("", False)
        raise
    if key.readOnly:
        return KeyPowers(str(key.userID), True)
    can = [f"{group}/{name}" for group, names in key.permissions.items() for name in names]
    return KeyPowers(str(key.userID), True, tuple(can) or ("write",))


def refusal(powers: KeyPowers) -> Problem | None:
    """Why a review should not be made with this key."""
    if not powers.can:
        return None
    worst = "withdraw" if any(it.endswith("/Withdraw") for it in powers.can) else "trade"
    return Problem(
        ErrorCode.FORBIDDEN, f"this key is not read-only: it can {worst} ({', '.join(powers.can)})", field="key",
        reason="a review only reads, so it should hold a key that can do nothing else",
        remedy="Make a read-only key on the site, or --yes uses this one: nothing but reading is asked of it",
    )  # fmt: skip


def key_problem(failure: ReadFailed) -> Problem | None:
    """The problem of a read that failed because of the key, ``None`` when it failed for another reason."""
    remedy = REMEDIES.get(failure.code)
    if remedy is None:
        return None
    return Problem(ErrorCode.UNAUTHORIZED, f"Bybit refuses the key: {failure.message}", field="key", remedy=remedy)
