"""What the settings make of mode paper: which market it hears, and what its account is like."""

from decimal import Decimal

import pytest

from tradectl.daemon.configuration import engine_config
from tradectl.daemon.venue import paper_terms, venue_config
from tradectl.exchange.bybit.config import Environment
from tradectl.exchange.bybit.endpoints import endpoints_of
from tradectl.model.errors import Problem
from tradectl.model.instruments import Category, InstrumentId
from tradectl.settings import load_settings

D = Decimal


def test_it_hears_the_real_market_unless_an_address_is_set() -> None:
    settings = load_settings(env={})
    engine = engine_config("run", "paper", settings)
    real = venue_config("paper", "", settings, engine)
    assert real.environment is Environment.MAINNET
    assert endpoints_of(real).public_url(Category.LINEAR) == "wss://stream.bybit.com/v5/public/linear"
    local = venue_config("paper", "http://127.0.0.1:9", settings, engine)
    assert local.environment is Environment.SANDBOX
    assert endpoints_of(local).public_url(Category.SPOT) == "ws://127.0.0.1:9/v5/public/spot"
    assert real.stale == settings.exchange.stale, "data that is late is doubted as in live"


def test_the_account_is_what_the_settings_say() -> None:
    env = {
        "TRADECTL_PAPER_CASH": "USDT=500,BTC=2", "TRADECTL_PAPER_LINEAR_TAKER": "0.001", "TRADECTL_RISK_LEVERAGE": "3",
        "TRADECTL_TRADING_LEVERAGE": "BTCUSDT=5", "TRADECTL_EXCHANGE_POSITION_MODE": "hedge",
    }  # fmt: skip
    settings = load_settings(env=env)
    terms = paper_terms(settings, engine_config("run", "paper", settings))
    assert terms.cash == {"USDT": D(500), "BTC": D(2)}
    assert (terms.fees.linear_taker, terms.fees.linear_maker) == (D("0.001"), D("0.0002"))
    assert terms.leverage == {InstrumentId(Category.LINEAR, "BTCUSDT"): D(5)}
    assert terms.usual_leverage == D(3)
    assert terms.hedge


@pytest.mark.parametrize("variable", ["CASH=USDT=-1", "ORDER_MS=-1", "ANSWER_MS=1e9", "SPOT_TAKER=2"])
def test_nonsense_is_refused_by_name(variable: str) -> None:
    name, _, value = variable.partition("=")
    with pytest.raises(Problem, match=f"paper.{name.lower()}"):
        load_settings(env={f"TRADECTL_PAPER_{name}": value})
