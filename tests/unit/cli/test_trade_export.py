"""``trades export``: rows of the wire become CSV with cost basis and gain."""

import csv
import io

import pytest

from tradectl.cli.trade_export import COLUMNS, Rates, write
from tradectl.cli.words import UsageError
from tradectl.performance.lots import Basis

SECOND = 10**9


def row(id, at, side, qty, price, **changes):
    values = {
        "id": id, "at": at * SECOND, "category": "linear", "symbol": "BTCUSDT", "strategy": "ema", "side": side,
        "type": "Trade", "price": price, "qty": qty, "value": str(float(qty) * float(price)), "fee": "1",
        "fee_coin": "USDT", "maker": False, "realised": "0", "position": "0", "link_id": "", "order_id": f"o{id}",
    }  # fmt: skip
    return values | changes


def exported(rows, basis=Basis.FIFO, currency="USDT", rates=None, begin=0):
    out = io.StringIO()
    count = write(iter(rows), out, basis, currency, rates or Rates(None), begin)
    table = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(table) == count
    return table


def test_columns_and_cost_basis():
    rows = [row("s", 86_400 * 2, "Sell", "1", "130"), row("b", 86_400, "Buy", "1", "100")]
    bought, sold = exported(rows)
    assert tuple(bought) == COLUMNS
    assert (bought["gain"], bought["cost_basis"], bought["acquired"]) == ("", "", "")
    assert (sold["cost_basis"], sold["proceeds"], sold["gain"]) == ("101", "129", "28")
    assert sold["acquired"] == "1970-01-02T00:00:00+00:00"


def test_lots_begin_before_the_first_row_that_is_shown():
    rows = [row("b", 1, "Buy", "1", "100"), row("s", 9, "Sell", "1", "130")]
    (sold,) = exported(rows, begin=5 * SECOND)
    assert sold["gain"] == "28"


def test_another_currency(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("date,rate\n1970-01-01,0.9\n1970-01-03,0.8\n")
    rows = [row("b", 86_400, "Buy", "1", "100"), row("s", 86_400 * 2, "Sell", "1", "130")]
    _, sold = exported(rows, currency="EUR", rates=Rates(path))
    assert (sold["currency"], sold["cost_basis"], sold["proceeds"], sold["gain"]) == ("EUR", "90.9", "103.2", "12.3")


def test_spot_fees_in_the_base_coin_and_funding():
    spot = row("b", 1, "Buy", "2", "100", category="spot", fee="0.002", fee_coin="BTC")
    paid = row("f", 2, "Buy", "0.5", "100", type="Funding", fee="0.25")
    bought, funding = exported([spot, paid])
    assert (bought["fee"], bought["fee_coin"]) == ("0.002", "BTC")
    assert (funding["funding"], funding["gain"]) == ("0.25", "")
    (sold,) = exported([spot, row("s", 3, "Sell", "2", "100", category="spot", fee="0")], begin=2 * SECOND)
    assert sold["cost_basis"] == "200.2"


@pytest.mark.parametrize(
    "text", ["", "date,rate\n", "day,value\n2026-01-01,1\n", "date,rate\n2026-13-01,1\n", "date,rate\n2026-01-01,0\n",
             "date,rate\n2026-01-01,NaN\n", "date,rate\n2026-01-01,x\n"],
)  # fmt: skip
def test_rates_that_cannot_be_meant(tmp_path, text):
    path = tmp_path / "rates.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match="--rates"):
        Rates(path)


def test_a_day_without_a_rate(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("date,rate\n2026-01-01,0.9\n")
    with pytest.raises(UsageError, match="no rate on or before 1970-01-01"):
        exported([row("b", 1, "Buy", "1", "100")], rates=Rates(path))
    with pytest.raises(UsageError, match="No such file"):
        Rates(tmp_path / "none.csv")
