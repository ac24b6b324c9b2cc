"""Ids in the venue's shapes, drawn from a seed and counters: no randomness, and never the same one twice."""

import hashlib
import uuid
from functools import lru_cache

from msgspec import Struct


class IdSource(Struct):
    """Counts orders, executions, matches and ledger rows of one exchange."""

    seed: str
    orders: int = 0
    executions: int = 0
    rows: int = 0
    seq: int = 0
    turns: int = 0

    def order_id(self, spot: bool) -> str:
        """A UUID for derivatives, 19 decimal digits for spot (bybit-v5, conventions)."""
        self.orders += 1
        if spot:
            return str(self._spot_base() + self.orders)
        return self._uuid("order", self.orders)

    def execution_id(self) -> str:
        self.executions += 1
        return self._uuid("execution", self.executions)

    def row_id(self, uid: str, symbol: str) -> str:
        """Id of a transaction log row."""
        self.rows += 1
        return f"{uid}_{symbol}_{self.rows}"

    def next_seq(self) -> int:
        """The number that joins a match with the position updates it caused."""
        self.seq += 1
        return self.seq

    def whole_fill(self) -> tuple[str, str, int]:
        """The ids of an order and of the execution that completes it, and their match; its log row counts as
        written."""
        self.rows += 1
        return self.order_id(False), self.execution_id(), self.next_seq()

    def next_turn(self) -> int:
        """The next place in time of the order queues."""
        self.turns += 1
        return self.turns

    def _uuid(self, kind: str, number: int) -> str:
        """``uuid.uuid5`` of the seed, the kind and the number, several times faster."""
        digest = _prefix(self.seed, kind).copy()
        digest.update(str(number).encode())
        text = digest.hexdigest()
        return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"

    def _spot_base(self) -> int:
        digest = hashlib.sha256(self.seed.encode()).digest()
        return 10**18 + int.from_bytes(digest[:4], "big") * 10**8


#: The digit of an id whose two highest bits are 10 in every UUID (RFC 4122).
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class PlainIds(IdSource):
    """Counted ids instead of hashed ones, for who makes millions and sends them nowhere."""

    def order_id(self, spot: bool) -> str:
        if spot:
            return super().order_id(True)
        self.orders += 1
        return plain_order_id(self.orders)

    def execution_id(self) -> str:
        self.executions += 1
        return plain_execution_id(self.executions)

    def whole_fill(self) -> tuple[str, str, int]:
        self.rows += 1
        self.orders += 1
        self.executions += 1
        self.seq += 1
        return plain_order_id(self.orders), plain_execution_id(self.executions), self.seq


def plain_order_id(number: int) -> str:
    """The id :class:`PlainIds` gives the order of this number, counting from 1."""
    return f"order-{number}"


def plain_execution_id(number: int) -> str:
    """The id :class:`PlainIds` gives the execution of this number, counting from 1."""
    return f"execution-{number}"


@lru_cache(maxsize=64)
def _prefix(seed: str, kind: str) -> "hashlib._Hash":
    """The hash of everything but the number."""
    return hashlib.sha1(uuid.NAMESPACE_OID.bytes + f"{seed}/{kind}/".encode(), usedforsecurity=False)
