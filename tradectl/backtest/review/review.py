"""The review as a whole: everything that cannot be counted again from the fills."""

import msgspec
from msgspec import Struct

from tradectl.backtest.review.books import CARRIED, book
from tradectl.backtest.review.maker import MakerChance, maker_chance
from tradectl.backtest.review.slippage import Against, Minutes, is_forced
from tradectl.backtest.review.statement import TRANSFERS, CoinStatement, Matched, matched, statements
from tradectl.backtest.review.stops import Stop, stops
from tradectl.model.account_past import AccountPast
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.money import ZERO
from tradectl.performance.fills import Fill
from tradectl.performance.returns import Flow, Mark
from tradectl.performance.round_trips import RoundTrip, round_trips

#: Changes when an older program could not read a kept review.
VERSION = 1
#: The file of a kept run that holds the review.
FILE = "review.json.gz"
KIND = "review"


class Review(Struct, frozen=True, kw_only=True):
    """An account between two moments. Amounts of trades are in dollars (USDT, USDC and dollars count alike).

    ``stops`` are about the trades of :meth:`trips` in their order; ``against`` by execution id; ``balances`` are of
    the coin that moved most, thinned to its last movement of each hour, ``flows`` what was paid into or out of it.
    ``forced`` are ids of liquidations; ``notes`` hold no amounts.
    """

    version: int = VERSION
    mode: str
    since: int
    until: int
    fills: tuple[Fill, ...]
    against: dict[str, Against]
    stops: tuple[Stop, ...]
    maker: MakerChance
    coins: tuple[CoinStatement, ...]
    matched: Matched
    balances: tuple[Mark, ...]
    flows: tuple[Flow, ...]
    forced: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def trips(self) -> list[RoundTrip]:
        """Every trade in the order they ended, those still open last."""
        return round_trips(self.fills, with_open=True)

    def own_fills(self) -> list[Fill]:
        """The fills of the span, without what was carried into it."""
        return [it for it in self.fills if not it.id.startswith(CARRIED)]


def review_of(past: AccountPast, minutes: Minutes, mode: str) -> Review:
    """The review of ``past``. ``minutes`` are candles around its taker fills; without them less can be measured."""
    booked = book(past, minutes)
    trips = round_trips(booked.fills, with_open=True)
    coins = statements(past)
    notes = [*past.notes, *_notes(booked.left_out)]
    return Review(
        mode=mode, since=past.since, until=past.until, fills=booked.fills, against=booked.against,
        stops=stops(past, trips), maker=maker_chance(past, booked.fills, booked.against, minutes), coins=coins,
        matched=matched(past), balances=_balances(past, coins), flows=_flows(past, coins), notes=tuple(notes),
        forced=tuple(it.execution.exec_id for it in past.executions if is_forced(it)),
    )  # fmt: skip


def _notes(left_out: tuple[str, ...]) -> list[str]:
    if not left_out:
        return []
    return [f"not among the trades, because their money is no dollar: {', '.join(left_out)}"]


def _balances(past: AccountPast, coins: tuple[CoinStatement, ...]) -> tuple[Mark, ...]:
    if not coins:
        return ()
    own = [it for it in past.statement if it.coin == coins[0].coin and it.balance is not None]
    hours = {it.ts // (3600 * 10**9): Mark(it.ts, it.balance or ZERO) for it in own}
    return (Mark(past.since, coins[0].opening), *hours.values())


def _flows(past: AccountPast, coins: tuple[CoinStatement, ...]) -> tuple[Flow, ...]:
    own = [it for it in past.statement if coins and it.coin == coins[0].coin and it.type in TRANSFERS]
    return tuple(Flow(it.ts, it.change) for it in own)


def encode(review: Review) -> bytes:
    """The review as JSON, every digit kept."""
    return msgspec.json.encode(review)


def decode(data: bytes) -> Review:
    """Raises ``Problem`` when ``data`` is no review of this version."""
    try:
        found = msgspec.json.decode(data, type=Review)
    except msgspec.DecodeError as error:
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"this is no review: {error}", field="document",
            remedy="make it again: tradectl init --read-only",
        ) from None  # fmt: skip
    if found.version != VERSION:
        raise Problem(
            ErrorCode.INVALID_REQUEST, f"the review is of version {found.version}, this program reads {VERSION}",
            field="version", remedy="make it again: tradectl init --read-only",
        )  # fmt: skip
    return found
