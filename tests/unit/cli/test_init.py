"""``init``: settings for a newcomer, and the review of an account against the sandbox's own server over 90 days."""

import asyncio
import contextlib
import io
import json
import random
import re
import stat
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradectl.cli.init import commented
from tradectl.matching.records import NewOrder, Refused
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import floor_to, use_exact_context
from tradectl.model.orders import OrderType, Protection, Side, TimeInForce
from tradectl.sandbox.config import SandboxAccount, SandboxConfig
from tradectl.sandbox.server.server import SandboxServer
from tradectl.sandbox.venue import Venue
from tradectl.settings import load_settings

D = Decimal
BTC = InstrumentId(Category.LINEAR, "BTCUSDT")
READER = SandboxAccount("reader", "reader-secret", "900100", read_only=True)
TRADER = SandboxAccount("trader", "trader-secret", "900101")
HOURS = 90 * 24
START_MS = 1_767_225_600_000


# --- the guide -------------------------------------------------------------------------------------------------------


def test_a_newcomer_gets_files_that_load_and_the_next_command(run: Any, home: Path, tmp_path: Path) -> None:
    ran = run("init")
    folder = tmp_path / "config" / "tradectl"
    assert ran.code == 0
    assert "tradectl start" in ran.out
    assert sorted(it.name for it in folder.iterdir()) == ["ai.toml", "api.toml", "app.toml", "trading.toml"]
    settings = load_settings(str(folder))
    assert settings.value("trading.mode") == "sandbox"
    # Defaults stay the program's own: only the mode is set.
    assert [key for key in settings.origins if key != "trading.mode"] == []


def test_files_that_are_there_stay_but_for_the_mode(run: Any, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "trading.toml").write_text('# mine\n[trading]\nmode = "sandbox"\ntolerance = 3\n')
    ran = run("init", "--mode", "demo", "--config", str(folder))
    assert ran.code == 0
    assert "trading.toml (was there, stays)" in ran.out
    assert (folder / "trading.toml").read_text() == '# mine\n[trading]\nmode = "demo"\ntolerance = 3\n'
    assert "BYBIT_API_KEY" in ran.out


def test_a_key_is_kept_only_when_asked_and_for_this_user_alone(
    run: Any, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    monkeypatch.setattr("sys.stdin", io.StringIO("my-key\nmy-secret\n"))
    ran = run("init", "--mode", "live", "--keep-key", "--config", str(folder))
    assert ran.code == 0
    assert "my-secret" not in ran.out + ran.err
    assert "tradectl arm" in ran.out
    assert stat.S_IMODE((folder / "app.env").stat().st_mode) == 0o600
    assert load_settings(str(folder)).secrets.api_secret == "my-secret"
    again = run("init", "--mode", "live", "--keep-key", "--config", str(folder))
    assert again.code == 2
    assert "has a key already" in again.err


def test_a_typed_mode_that_is_none_is_refused(run: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO("reality\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", terminal)
    ran = run("init")
    assert ran.code == 2
    assert "'reality' is none of sandbox" in ran.err


def test_every_setting_but_the_mode_becomes_a_comment() -> None:
    text = commented('# About.\n[trading]\nmode = "sandbox"\ntolerance = 0\n', "live")
    assert text == '# About.\n[trading]\nmode = "live"\n# tolerance = 0\n'


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--read-only", "--mode", "paper"], "--mode paper has no account at Bybit"),
        (["--read-only", "--since", "soon"], "'soon' is no time"),
        (["--read-only", "--url", "here"], "--url here is no address"),
        (["--read-only", "--keep-key"], "keeps no key"),
        (["--url", "http://127.0.0.1:9"], "--url belongs to --read-only"),
        (["--read-only", "--url", "http://127.0.0.1:9"], "key and secret are missing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    run: Any, home: Path, words: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ran = run("init", *words)
    assert ran.code == 2
    assert message in ran.err
    assert ran.out == ""


# --- the review ------------------------------------------------------------------------------------------------------


def candles(folder: Path) -> tuple[str, str]:
    """90 days of hours with a funding rate every eight of them."""
    chance, price, rows = random.Random(7), 50_000.0, ["timestamp,open,high,low,close,volume"]
    for hour in range(HOURS):
        close = round(price * (1 + chance.gauss(0, 0.004)), 1)
        high, low = round(max(price, close) * 1.001, 1), round(min(price, close) * 0.999, 1)
        rows.append(f"{START_MS + hour * 3_600_000},{price},{high},{low},{close},100.0")
        price = close
    (folder / "candles.csv").write_text("\n".join(rows) + "\n")
    rates = [f"{START_MS + hour * 3_600_000},{'-' if hour % 48 else ''}0.0001" for hour in range(8, HOURS, 8)]
    (folder / "funding.csv").write_text("\n".join(["timestamp,funding_rate", *rates]) + "\n")
    return str(folder / "candles.csv"), str(folder / "funding.csv")


def live(venue: Venue) -> None:
    """Ninety days of trading: takers, a maker now and then, a third of the entries with a stop."""
    chance, held = random.Random(11), D(0)
    for hour in range(HOURS):
        if venue.step().ended:
            return
        held = sum((it.size for it in venue.exchange.positions("900100")), D(0))
        if hour % 9 == 0:
            side = Side.BUY if chance.random() < 0.5 else Side.SELL
            qty = D("0.004") if chance.random() < 0.7 or not held else abs(held) + D("0.004")
            kept = Protection(stop_loss=D(30_000) if side is Side.BUY else D(90_000), partial=False)
            stop = kept if hour % 27 == 0 and held == 0 else None
            venue.place("900100", NewOrder(BTC, side, OrderType.MARKET, qty, protection=stop))
        elif hour % 24 == 12 and held:
            side = Side.SELL if held > 0 else Side.BUY
            venue.place("900100", NewOrder(BTC, side, OrderType.MARKET, abs(held), reduce_only=True))
        if hour % 50 == 20:
            limit = floor_to((venue.exchange.prices(BTC).last or D(1)) * D("0.998"), D("0.1"))
            order = NewOrder(BTC, Side.BUY, OrderType.LIMIT, D("0.003"), limit, TimeInForce.POST_ONLY)
            venue.place("900100", order)
    venue.deposit("900100", "USDT", D("-250"))


def busy(venue: Venue) -> None:
    """Half a day on spot, linear and inverse, taking and resting, in hedge mode on both legs."""
    chance, due, end = random.Random(5), 0, venue.now() + 12 * 3600 * 10**9
    while venue.now() < end:
        venue.step()
        if venue.now() < due:
            continue
        due = venue.now() + chance.randint(1, 12) * 60 * 10**9
        name = chance.choice(list(venue.exchange.instruments))
        side, rests, leg = chance.choice([Side.BUY, Side.SELL]), chance.random() < 0.3, chance.choice([1, 2])
        hedged = venue.exchange.is_hedged("900100", name)
        touch = (venue.exchange.prices(name).last or D(1)) * (1 - side.sign * D("0.0005"))
        order = NewOrder(
            name, side, OrderType.LIMIT if rests else OrderType.MARKET,
            D(500) if name.category is Category.INVERSE else D("0.01"),
            floor_to(touch, venue.exchange.instruments[name].tick_size) if rests else None,
            TimeInForce.POST_ONLY if rests else TimeInForce.GTC,
            reduce_only=hedged and (leg == 1) is (side is Side.SELL), position_idx=leg if hedged else 0,
        )  # fmt: skip
        with contextlib.suppress(Refused):  # a leg that is flat cannot be reduced
            venue.place("900100", order)


class Running:
    """A sandbox server in a thread of its own whose past is already made."""

    def __init__(self, config: SandboxConfig, trade: Callable[[Venue], None]) -> None:
        self.server = SandboxServer(config)
        self._trade = trade
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def _serve(self) -> None:
        use_exact_context()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.server.start())
        self._trade(self.server.venue)
        self._ready.set()
        self._loop.run_forever()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data, funding = candles(tmp_path_factory.mktemp("market"))
    running = Running(SandboxConfig(
        accounts=(READER, TRADER), stepped=True, data=data, funding=funding, interval="1h", fund={"USDT": D(10_000)},
    ), live)  # fmt: skip
    yield running
    running.stop()


Reviewed = Callable[..., Any]


@pytest.fixture
def reviewed(run: Any, home: Path, sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Reviewed:
    def call(*words: str, account: SandboxAccount = READER, secret: str = "") -> Any:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{account.key}\n{secret or account.secret}\n"))
        return run("init", "--read-only", "--url", sandbox.url, *words)

    return call


def test_ninety_days_of_a_real_server_add_up_and_become_a_run(
    reviewed: Reviewed, run: Any, home: Path, sandbox: Running, tmp_path: Path
) -> None:
    ran = reviewed("--json")
    assert ran.code == 0, ran.err
    it = json.loads(ran.out, parse_float=D)
    coin = next(row for row in it["coins"] if row["coin"] == "USDT")
    assert it["trades"]["trades"] > 50
    assert it["fees"]["maker_fills"] > 5
    assert it["funding"]["paid"] > 0
    assert it["funding"]["received"] > 0
    assert it["matched"]["whole"] is True
    assert it["matched"]["executions"] > 300
    assert (coin["opening"], coin["unexplained"], coin["transfers"]) == (0, 0, 9750)
    assert coin["closing"] == coin["wallet"]
    assert coin["change"] == coin["transfers"] + it["profit"]["net"]
    assert it["profit"]["net"] == coin["realised"] - coin["fees"] + coin["funding"]
    seen = {row["stop"]: row["trades"] for row in it["stops"]}
    assert seen["seen"] > 0
    assert seen["no trace"] > 0

    assert "review" in run("runs").out
    assert "WHERE IT WENT" in run("runs", "show", it["id"]).out
    page, whole = tmp_path / "page.html", tmp_path / "trades.csv"
    assert run("runs", "export", "latest", "--html", str(page)).code == 0
    assert f"{it['profit']['fees']:,.2f}" in page.read_text()
    assert f"{coin['closing']:,.2f}" in page.read_text()
    assert run("runs", "export", it["id"], str(whole), "--csv").code == 0
    assert len(whole.read_text().splitlines()) == 1 + it["trades"]["trades"] + it["open"]


@pytest.mark.parametrize("hedge", [False, True], ids=["one way", "hedge"])
def test_spot_inverse_and_hedged_legs_add_up_too(
    run: Any, home: Path, monkeypatch: pytest.MonkeyPatch, hedge: bool
) -> None:
    config = SandboxConfig(accounts=(READER,), stepped=True, symbols=("BTCUSDT", "BTCUSD"), hedge=hedge)
    running = Running(config, busy)
    try:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{READER.key}\n{READER.secret}\n"))
        ran = run("init", "--read-only", "--url", running.url, "--since", "2d", "--json")
    finally:
        running.stop()
    assert ran.code == 0, ran.err
    it = json.loads(ran.out, parse_float=D)
    assert it["instruments"] == ["inverse:BTCUSD", "linear:BTCUSDT", "spot:BTCUSDT"]
    assert it["matched"]["whole"] is True
    assert {coin["coin"]: coin["unexplained"] for coin in it["coins"]} == {"BTC": 0, "USDT": 0}
    assert all(coin["closing"] == coin["wallet"] for coin in it["coins"])
    assert it["maker"]["would"] > 0
    assert it["maker"]["would"] + it["maker"]["would_not"] + it["maker"]["unmeasured"] == it["maker"]["orders"]
    net = {row["instrument"]: row["profit"]["net"] for row in it["per_symbol"]}
    linear = next(coin for coin in it["coins"] if coin["coin"] == "USDT")
    spot_fees = linear["fees"] - next(r["profit"]["fees"] for r in it["per_symbol"] if "linear" in r["instrument"])
    assert net["linear:BTCUSDT"] == linear["realised"] - (linear["fees"] - spot_fees) + linear["funding"]


def test_nothing_secret_is_kept_or_said(reviewed: Reviewed, run: Any, home: Path) -> None:
    ran = reviewed()
    assert ran.code == 0
    assert READER.secret not in ran.out + ran.err
    files = [it for it in home.rglob("*") if it.is_file()]
    assert files
    assert not any(READER.secret.encode() in it.read_bytes() or READER.key.encode() in it.read_bytes() for it in files)


def test_a_key_that_can_trade_is_refused_unless_a_person_insists(reviewed: Reviewed, run: Any) -> None:
    ran = reviewed(account=TRADER)
    assert ran.code == 77
    assert "this key is not read-only: it can trade (ContractTrade/Order" in ran.err
    assert run("runs").out == "no runs\n"
    insisted = reviewed("--yes", account=TRADER)
    assert insisted.code == 0
    assert "warning: this key is not read-only" in insisted.err


def test_an_account_that_never_traded_is_reviewed_too(reviewed: Reviewed, run: Any, tmp_path: Path) -> None:
    ran = reviewed("--yes", account=TRADER)
    assert ran.code == 0
    assert "0 trades, 0 open" in ran.out
    assert run("runs", "export", "latest", str(tmp_path / "page.html")).code == 0
    assert "No trade was finished." in (tmp_path / "page.html").read_text()


def test_a_wrong_secret_is_told_with_what_to_do(reviewed: Reviewed) -> None:
    ran = reviewed(secret="wrong")
    assert ran.code == 77
    assert "Bybit refuses the key" in ran.err
    assert "copy both again" in ran.err


def test_hidden_amounts_are_nowhere_on_the_page(reviewed: Reviewed, run: Any, home: Path, tmp_path: Path) -> None:
    it = json.loads(reviewed("--json").out, parse_float=D)
    file = tmp_path / "hidden.html"
    assert run("runs", "export", "latest", str(file), "--html", "--hide-amounts").code == 0
    text = re.sub("<style>.*?</style>", "", file.read_text(), flags=re.DOTALL)
    amounts = [it["profit"]["net"], it["profit"]["fees"], it["fees"]["taker"], it["profit"]["volume"], it["cash"]]
    amounts += [value for coin in it["coins"] for value in (coin["closing"], coin["realised"], coin["transfers"])]
    amounts += [row["pnl"] for row in it["losers"]]
    for amount in amounts:
        shown = f"{abs(amount):,.2f}"
        assert abs(amount) < 10 or shown not in text, shown
    assert "900100" not in text
    assert "% of start" in text


def test_the_past_can_be_cut_shorter_but_not_longer_than_the_venue_keeps_it(reviewed: Reviewed) -> None:
    short = json.loads(reviewed("--since", "10d", "--json").out, parse_float=D)
    assert short["matched"]["executions"] < 100
    assert short["matched"]["whole"] is True
    coin = short["coins"][0]
    assert coin["unexplained"] == 0
    assert short["profit"]["net"] == coin["realised"] - coin["fees"] + coin["funding"]
    ran = reviewed("--since", "800d")
    assert ran.code == 2
    assert "more than two years ago" in ran.err
