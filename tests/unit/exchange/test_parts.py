"""The small parts: signatures, meanings, hosts, limits, retries, caches, pages, the in-memory twin."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradectl.exchange.bybit.account import Account, can_hedge
from tradectl.exchange.bybit.config import (
    BybitConfig,
    Credentials,
    Environment,
    MarginMode,
    PositionMode,
    Site,
)
from tradectl.exchange.bybit.endpoints import endpoints_of, proxy_for
from tradectl.exchange.bybit.meanings import MEANINGS, meaning_of
from tradectl.exchange.bybit.order_requests import request_of
from tradectl.exchange.bybit.order_rows import order_report
from tradectl.exchange.bybit.reconcile import is_conclusive
from tradectl.exchange.bybit.signing import Signer
from tradectl.exchange.bybit.translate import instrument_of, ledger_row
from tradectl.exchange.bybit.wire import InstrumentPage, LogRow, OrderRow
from tradectl.exchange.cached import Cached
from tradectl.exchange.memory import MemoryConnector
from tradectl.exchange.rate_limiter import RateLimiter, Window
from tradectl.exchange.retry_handler import ReadFailed, RetryPolicy, backoff, retry
from tradectl.model.commands import CancelOrder, Reconcile, RiskApproved
from tradectl.model.errors import Problem
from tradectl.model.events import Action, Reaction, Reconciled
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import use_exact_context
from tradectl.model.orders import OrderSpec, OrderType, Side

KEY = Credentials("aB3dE5fG7hJ9kL1mN2", "pQ4rS6tU8vW0xY2zA4bC6dE8fG0hJ2kL4mN6")
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
SPOT = InstrumentId(Category.SPOT, "BTCUSDT")
SAMPLE_BODY = (
    '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.010","price":"64000.0",'
    '"timeInForce":"PostOnly","orderLinkId":"mm-000001"}'
)


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        ("category=linear&limit=20&symbol=BTCUSDT", "4bb3ebf414246b5b6d9075aa7f22d20ae73de41bb25c8c8eecac689a1b755886"),
        ("", "dbcf17c5b5b6adc21fd896c1a89e42d6dc62298735a04330851b7d46b5e21529"),
        (SAMPLE_BODY, "4fdc26887453fad859b27430f20c51689bf07154f19159ac50607aa62e57e0f1"),
    ],
)
def test_signature_vectors(payload: str, signature: str) -> None:
    assert Signer(KEY).request(1767225600000, 5000, payload) == signature


def test_socket_signature_vector() -> None:
    signed = Signer(KEY).socket_args(1767225605000 - 10_000)
    assert signed == [KEY.key, 1767225605000, "db9fb401e5a4e00f2daf67216feb063d214a8b5567054935de234e6149ffc4aa"]


def test_rsa_keys_sign_verifiably() -> None:
    import base64

    from Crypto.Hash import SHA256
    from Crypto.PublicKey import RSA
    from Crypto.Signature import pkcs1_15

    key = RSA.generate(1024)
    signer = Signer(Credentials("k", key.export_key().decode()))
    signature = base64.b64decode(signer.request(1, 5000, "a=b"))
    pkcs1_15.new(key.public_key()).verify(SHA256.new(b"1k5000a=b"), signature)


#: One code of every row of the documented tables, and the reaction the row asks for.
DOCUMENTED = {
    Reaction.OK: (0, 34040, 110025, 110026, 110043),
    Reaction.RETRY: (10002, 10006, 10019, 10403, 10429, 20003, 110005, 110063, 110118, 170005, 170144, 131001),
    Reaction.FIX: (10001, 10017, 10404, 20001, 110003, 110007, 110009, 110011, 110013, 110014, 110018, 110021, 110024,
                   110029, 110036, 110058, 110073, 110092, 110094, 110097, 110101, 110108, 110119, 131200, 131212,
                   170033, 170115, 170124, 170132, 170136, 170151, 181001, 181019, 182021, 3400045, 3400139, 30228),
    Reaction.RECONCILE: (429, 10000, 10014, 10016, 20006, 40004, 110001, 110008, 110017, 110022, 110064, 110072, 131214,
                         170001, 170007, 170139, 170141, 170213, 170313),
    Reaction.STOP: (10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027, 10028, 10029, 100028, 33004, -2015,
                    110123, 110125, 110132),
}  # fmt: skip


@pytest.mark.parametrize(("reaction", "codes"), DOCUMENTED.items(), ids=lambda v: str(v)[:20])
def test_every_row_of_the_code_tables(reaction: Reaction, codes: tuple[int, ...]) -> None:
    assert {code: MEANINGS[code].reaction for code in codes} == dict.fromkeys(codes, reaction)
    assert all(MEANINGS[code].text for code in codes)


def test_meanings_depend_on_what_was_asked() -> None:
    assert meaning_of(110010, Action.CANCEL).reaction is Reaction.OK
    assert meaning_of(110010, Action.AMEND).reaction is Reaction.RECONCILE
    assert meaning_of(10003, Action.CREATE, trade_socket=True).reaction is Reaction.RETRY
    assert meaning_of(10003, Action.CREATE).reaction is Reaction.STOP
    assert meaning_of(987654, Action.CREATE).reaction is Reaction.RECONCILE
    assert meaning_of(110007).stops_opening


def test_hosts() -> None:
    def rest_and_streams(environment: Environment, site: Site = Site.BYBIT) -> tuple[str, str, str]:
        found = endpoints_of(BybitConfig(environment=environment, site=site))
        return found.rest, found.public_url(Category.LINEAR), found.private_url

    assert rest_and_streams(Environment.MAINNET) == (
        "https://api.bybit.com", "wss://stream.bybit.com/v5/public/linear", "wss://stream.bybit.com/v5/private"
    )  # fmt: skip
    assert rest_and_streams(Environment.DEMO) == (
        "https://api-demo.bybit.com",
        "wss://stream.bybit.com/v5/public/linear",
        "wss://stream-demo.bybit.com/v5/private",
    )
    assert rest_and_streams(Environment.TESTNET)[0] == "https://api-testnet.bybit.com"
    assert rest_and_streams(Environment.MAINNET, Site.BYTICK)[:2] == (
        "https://api.bytick.com", "wss://stream.bybit.com/v5/public/linear"
    )  # fmt: skip
    assert rest_and_streams(Environment.MAINNET, Site.GEORGIA)[0] == "https://api.bybitgeorgia.ge"
    assert all(rest_and_streams(Environment.MAINNET, site) for site in Site)
    local = endpoints_of(BybitConfig(rest_base="http://127.0.0.1:8080/"))
    assert (local.rest, local.trade_url) == ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v5/trade")
    assert endpoints_of(BybitConfig(rest_base="https://h")).private_url == "wss://h/v5/private"
    with pytest.raises(Problem, match="sandbox"):
        endpoints_of(BybitConfig())
    with pytest.raises(Problem, match="no testnet"):
        endpoints_of(BybitConfig(environment=Environment.TESTNET, site=Site.NL))


def test_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "stream.bybit.com")
    live = BybitConfig(environment=Environment.MAINNET)
    assert proxy_for(live, "https://api.bybit.com") == "http://proxy:3128"
    assert proxy_for(live, "wss://stream.bybit.com/v5/private") == ""
    assert proxy_for(BybitConfig(rest_base="https://127.0.0.1:1"), "https://127.0.0.1:1") == ""
    assert proxy_for(BybitConfig(proxy="http://own:1"), "ws://x") == "http://own:1"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 0.3)), max_size=60))
def test_no_window_is_ever_exceeded(steps: list[tuple[str, float]]) -> None:
    limiter = RateLimiter({"a": Window(3, 1.0)}, Window(5, 1.0), Window(6, 2.0))
    now, sent = 0.0, []
    for group, pause in steps:
        now += pause
        sent.append((group, now + limiter.reserve(group, now)))
    for group, count, seconds in (("a", 3, 1.0), ("b", 5, 1.0), ("", 6, 2.0)):
        times = sorted(t for g, t in sent if group in ("", g))
        for first, later in zip(times, times[count:], strict=False):
            assert later - first >= seconds - 1e-9


def test_a_ban_silences_reads() -> None:
    limiter = RateLimiter({}, Window(5, 1.0), Window(5, 1.0))
    limiter.be_quiet(600.0)
    assert limiter.quiet_for(1.0) == 599.0
    assert limiter.reserve("x", 1.0) == 599.0


async def test_retry_repeats_only_what_may_help() -> None:
    calls: list[int] = []

    async def fail(again: bool) -> int:
        calls.append(1)
        if len(calls) < 3:
            raise ReadFailed(10006, "busy", again=again)
        return 7

    policy = RetryPolicy(4, lambda: 0.0, first=0.001)
    assert await retry(lambda: fail(True), policy) == 7
    assert len(calls) == 3
    calls.clear()
    with pytest.raises(ReadFailed):
        await retry(lambda: fail(False), policy)
    assert len(calls) == 1
    calls.clear()
    with pytest.raises(ReadFailed):
        await retry(lambda: fail(True), RetryPolicy(2, lambda: 0.0, first=0.001))
    assert len(calls) == 2


def test_backoff_grows_and_stays_bounded() -> None:
    assert [backoff(n, 1.0, 10.0, lambda: 1.0) for n in range(6)] == [1, 2, 4, 8, 10, 10]
    assert backoff(10_000, 1.0, 10.0, lambda: 0.0) == 5.0


async def test_cached_reads_once_and_again_after_its_time() -> None:
    now, loads = 0.0, []
    gate = asyncio.Event()

    async def load() -> int:
        loads.append(1)
        await gate.wait()
        return len(loads)

    cached = Cached(load, 10.0, lambda: now)
    waiting = [asyncio.ensure_future(cached.get()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.set()
    assert await asyncio.gather(*waiting[1:]) == [1, 1]
    assert await cached.get() == 1
    now = 10.0
    assert await cached.get() == 2
    assert cached.last == 2


async def test_cached_tries_again_after_a_failure() -> None:
    answers: list[Any] = [ReadFailed(1, "no", again=False), 5]

    async def load() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    cached = Cached(load, 10.0, lambda: 0.0)
    with pytest.raises(ReadFailed):
        await cached.get()
    assert await cached.get() == 5


def test_orders_as_the_venue_wants_them() -> None:
    buy = OrderSpec("t-1", SPOT, Side.BUY, OrderType.MARKET, Decimal("2E+2"), quote_qty=True)
    request = request_of(RiskApproved(1, 1, buy))
    assert request.group == "spot:create"
    assert request.body == {
        "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "200",
        "timeInForce": "IOC", "orderLinkId": "t-1", "marketUnit": "quoteCoin",
    }  # fmt: skip
    small = OrderSpec("t-2", BTC, Side.SELL, OrderType.MARKET, Decimal("0.00000100"), reduce_only=True)
    assert request_of(RiskApproved(1, 1, small)).body["qty"] == "0.000001"
    assert request_of(RiskApproved(1, 1, small)).body["reduceOnly"] is True
    with pytest.raises(ValueError, match="without order"):
        request_of(RiskApproved(1, 1))


def test_instruments() -> None:
    spot = b"""{"list": [{"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading",
     "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.0000001", "minOrderQty": "0.000011",
     "maxOrderQty": "83", "minOrderAmt": "5", "maxOrderAmt": "8000000", "maxLimitOrderQty": "83",
     "maxMarketOrderQty": "41.5"}, "priceFilter": {"tickSize": "0.1"},
     "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"}}]}"""
    row = msgspec.json.decode(spot, type=InstrumentPage).list[0]
    found = instrument_of(row, Category.SPOT)
    assert (found.lot_size, found.min_notional, found.settle_coin) == (Decimal("0.000001"), Decimal(5), "USDT")
    assert (found.max_limit_qty, found.max_market_qty) == (Decimal(83), Decimal("41.5"))
    assert (found.price_limit_y, found.launched) == (Decimal("0.01"), 0)
    inverse = b"""{"list": [{"symbol": "BTCUSD", "status": "Trading", "baseCoin": "BTC", "quoteCoin": "USD",
     "leverageFilter": {"maxLeverage": "100.00"}, "priceFilter": {"minPrice": "0.50", "maxPrice": "1999999.00",
     "tickSize": "0.50"}, "lotSizeFilter": {"maxOrderQty": "25000000", "minOrderQty": "1", "qtyStep": "1",
     "maxMktOrderQty": "5000000", "minNotionalValue": ""}, "fundingInterval": 480, "settleCoin": "BTC",
     "launchTime": "1542211200000"}]}"""
    found = instrument_of(msgspec.json.decode(inverse, type=InstrumentPage).list[0], Category.INVERSE)
    assert (found.settle_coin, found.funding_interval, found.max_leverage) == ("BTC", 480, Decimal(100))
    assert (found.min_notional, found.price_limit_x) == (Decimal(0), None)
    assert found.launched == 1542211200 * 1_000_000_000


def test_the_ledger_leaves_out_what_executions_tell() -> None:
    def row(kind: str) -> LogRow:
        return LogRow("1", kind, "USDT", "5", "7", "BTCUSDT", "linear")

    assert all(ledger_row(row(kind)) is None for kind in ("TRADE", "SETTLEMENT", "LIQUIDATION", "ADL", "DELIVERY"))
    kept = ledger_row(row("BONUS"))
    assert kept is not None
    assert (kept.change, kept.ts, kept.instrument) == (Decimal(5), 7_000_000, BTC)


def test_an_order_that_was_never_filled_has_no_average() -> None:
    row = OrderRow("BTCUSDT", "1", "Buy", "Limit", "Cancelled", "1", avgPrice="0", rejectReason="EC_NoError",
                   cancelType="UNKNOWN")  # fmt: skip
    report = order_report(row, Category.LINEAR)
    assert (report.avg_price, report.cancel_type, report.reject_reason) == (None, "", "")


def test_conclusive_is_strictly_after_window_and_margin() -> None:
    assert not is_conclusive(17_000, 10_000, 5_000)
    assert is_conclusive(17_001, 10_000, 5_000)


class FakeRest:
    """Answers account reads from a mutable state and obeys the setters."""

    def __init__(self, *, obey: bool = True) -> None:
        self.obey = obey
        self.state: dict[str, Any] = {"margin": "ISOLATED_MARGIN", "leverage": "10", "idx": 1, "permissions": {}}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def read(self, method: str, shape: Any, **p: Any) -> Any:
        state = self.state
        answers: dict[str, Any] = {
            "get_api_key_information": {"userID": 5, "deadlineDay": 3, "permissions": state["permissions"]},
            "get_account_info": {"marginMode": state["margin"], "unifiedMarginStatus": 5},
            "get_positions": {
                "list": [{"symbol": "BTCUSDT", "side": "", "size": "0", "leverage": state["leverage"],
                          "positionIdx": state["idx"]}]
            },
        }  # fmt: skip
        return msgspec.convert(answers[method], shape)

    async def send(self, method: str, **p: Any) -> Any:
        from tradectl.exchange.bybit.http_session import Reply

        self.calls.append((method, p))
        if not self.obey:
            return Reply(110024, "has a position")
        if "coin" in p:  # the symbols of a coin, of which the one that is looked at may be none
            return Reply(110025, "unchanged")
        self.state.update(
            {"set_margin_mode": {"margin": p.get("setMarginMode")}, "set_leverage": {"leverage": p.get("buyLeverage")},
             "switch_position_mode": {"idx": 1 if p.get("mode") == 3 else 0}}[method]
        )  # fmt: skip
        return Reply(110043 if method == "set_leverage" else 0, "OK")


CONFIG = BybitConfig(
    environment=Environment.MAINNET,
    leverage={BTC: Decimal(1)},
    margin_mode=MarginMode.CROSS,
    position_mode=PositionMode.ONE_WAY,
)
TRADING = {"ContractTrade": ("Order",)}


async def test_what_is_declared_is_applied_and_checked_again() -> None:
    rest = FakeRest()
    rest.state["permissions"] = TRADING
    problems = await Account(rest, CONFIG).check()  # type: ignore[arg-type]
    assert [call[0] for call in rest.calls] == ["set_margin_mode", "switch_position_mode", "set_leverage"]
    assert problems == ("The API key expires in 3 days: bind it to an address or make a new one.",)
    rest.calls.clear()
    await Account(rest, CONFIG).check()  # type: ignore[arg-type]
    assert not rest.calls, "what is as declared is left alone"


async def test_what_cannot_be_applied_is_a_problem() -> None:
    rest = FakeRest(obey=False)
    rest.state["permissions"] = {**TRADING, "Wallet": ("Withdraw",)}
    problems = await Account(rest, CONFIG).check()  # type: ignore[arg-type]
    assert len(problems) == 5
    assert "may withdraw" in problems[0]
    assert "REGULAR_MARGIN" in problems[2]
    assert "110024" in problems[2]
    assert "position mode" in problems[3]
    assert "Leverage of linear:BTCUSDT is 10, the settings say 1" in problems[4]


async def test_hedge_mode_is_asked_only_of_what_can_hedge() -> None:
    symbols = {"BTCUSDT": True, "BTCUSDT-26MAR27": False, "BTCPERP": False, "BTC-26MAR27": False}
    assert {s: can_hedge(InstrumentId(Category.LINEAR, s)) for s in symbols} == symbols
    inverse = InstrumentId(Category.INVERSE, "BTCUSD")
    assert not can_hedge(inverse)
    config = msgspec.structs.replace(CONFIG, position_mode=PositionMode.HEDGE, leverage={BTC: Decimal(1)})
    rest = FakeRest()
    rest.state.update(permissions=TRADING, idx=0)
    problems = await Account(rest, config).check()  # type: ignore[arg-type]
    assert ("switch_position_mode", 3) in [(name, p.get("mode")) for name, p in rest.calls]
    assert len(problems) == 1
    rest = FakeRest()
    rest.state.update(permissions=TRADING, idx=0)
    await Account(rest, msgspec.structs.replace(config, leverage={inverse: Decimal(1)})).check()  # type: ignore[arg-type]
    switched = [p for name, p in rest.calls if name == "switch_position_mode"]
    assert switched == [{"category": "linear", "coin": "USDT", "mode": 3}], "the coin once, the inverse symbol never"


async def test_another_position_mode_is_a_problem_in_words() -> None:
    rest = FakeRest(obey=False)
    rest.state.update(permissions=TRADING, idx=0, leverage="1", margin="REGULAR_MARGIN")
    config = msgspec.structs.replace(CONFIG, position_mode=PositionMode.HEDGE)
    found = await Account(rest, config).check(apply=False)  # type: ignore[arg-type]
    assert "linear:BTCUSDT is not in position mode hedge as the settings say." in found
    assert not rest.calls, "an account that trades is never switched"


async def test_a_key_that_may_not_trade_is_refused() -> None:
    with pytest.raises(Problem, match="may not trade linear"):
        await Account(FakeRest(), CONFIG).check()  # type: ignore[arg-type]


def test_the_twin_records_and_delivers_in_turn() -> None:
    use_exact_context()
    seen: list[Any] = []

    def sink(event: Any) -> None:
        seen.append(event)
        if len(seen) == 1:
            twin.execute(CancelOrder(1, "t-1", "", BTC))
            assert len(seen) == 1, "an event fed during a delivery waits"

    twin = MemoryConnector(sink, lambda command: [Reconciled(1, 1)] if isinstance(command, CancelOrder) else [])
    twin.execute(Reconcile(0, "x"))
    assert not seen
    twin.feed(Reconciled(5, 5))
    assert seen == [Reconciled(5, 5), Reconciled(1, 1)]
    assert twin.outstanding == 0
    assert [type(c) for c in twin.commands] == [Reconcile, CancelOrder]
    twin.execute_all([Reconcile(0, "y"), Reconcile(0, "z")])
    assert [len(step) for step in twin.steps] == [1, 1, 2]
    assert len(twin.commands) == 4
