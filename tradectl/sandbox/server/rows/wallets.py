"""Account rows: ``account/wallet-balance``, the ``wallet`` stream and the transaction log (bybit-v5 7.1, 7.3, 8.3)."""

from collections.abc import Collection
from typing import Any

from tradectl.matching.records import LedgerEntry
from tradectl.matching.views import AccountView, CoinView
from tradectl.model.money import ZERO, plain
from tradectl.sandbox.server.rows.amounts import ms, rounded

_UNUSED = {
    "spotHedgingQty": "0", "borrowAmount": "0", "accruedInterest": "0", "bonus": "0", "marginCollateral": True,
    "collateralSwitch": True, "colRes": "0", "spotBorrow": "0", "free": "", "availableToWithdraw": "",
    "availableToBorrow": "",
}  # fmt: skip


def wallet_row(view: AccountView, coins: Collection[str] | None = None) -> dict[str, Any]:
    """The account in USD and its coins: those named, also when empty, or (None) all that are not zero."""
    if coins is None:
        shown = [coin for coin in view.coins if coin.balance or coin.equity]
    else:
        held = {coin.coin: coin for coin in view.coins}
        shown = [held.get(name) or _empty(name) for name in coins]
    im_rate, mm_rate = rounded(view.im_rate), rounded(view.mm_rate)
    initial, maintenance = rounded(view.initial_margin), rounded(view.maintenance_margin)
    return {
        "accountType": "UNIFIED",
        "accountIMRate": im_rate,
        "accountIMRateByMp": im_rate,
        "accountMMRate": mm_rate,
        "accountMMRateByMp": mm_rate,
        "totalEquity": rounded(view.equity),
        "totalWalletBalance": rounded(view.wallet_balance),
        "totalMarginBalance": rounded(view.margin_balance),
        "totalAvailableBalance": rounded(view.available),
        "totalPerpUPL": rounded(view.unrealised),
        "totalInitialMargin": initial,
        "totalInitialMarginByMp": initial,
        "totalMaintenanceMargin": maintenance,
        "totalMaintenanceMarginByMp": maintenance,
        "accountLTV": "0",
        "coin": [_coin_row(coin) for coin in shown],
    }


def _coin_row(coin: CoinView) -> dict[str, Any]:
    return _UNUSED | {
        "coin": coin.coin,
        "equity": plain(coin.equity),
        "usdValue": rounded(coin.usd_value),
        "walletBalance": plain(coin.balance),
        "locked": plain(coin.locked),
        "totalOrderIM": rounded(coin.order_im),
        "totalPositionIM": rounded(coin.position_im),
        "totalPositionMM": rounded(coin.position_mm),
        "unrealisedPnl": rounded(coin.unrealised),
        "cumRealisedPnl": plain(coin.cum_realised),
    }


def _empty(name: str) -> CoinView:
    return CoinView(name, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO, ZERO)


def ledger_row(entry: LedgerEntry) -> dict[str, Any]:
    """The row of the transaction log: ``change = cashFlow + funding - fee``; funding > 0 was received."""
    trade = entry.instrument is not None
    return {
        "id": entry.id,
        "symbol": entry.instrument.symbol if entry.instrument else "",
        "category": entry.instrument.category.value if entry.instrument else "",
        "side": entry.side,
        "transactionTime": ms(entry.ts),
        "type": entry.type,
        "transSubType": "",
        "qty": plain(entry.qty),
        "size": plain(entry.size),
        "currency": entry.coin,
        "tradePrice": plain(entry.price) if trade else "",
        "funding": plain(entry.funding) if entry.type == "SETTLEMENT" else "",
        "fee": plain(entry.fee) if trade else "",
        "cashFlow": plain(entry.cash_flow),
        "change": plain(entry.change),
        "cashBalance": plain(entry.balance),
        "feeRate": plain(entry.fee_rate) if trade else "",
        "bonusChange": "",
        "tradeId": entry.trade_id,
        "orderId": entry.order_id,
        "orderLinkId": entry.link_id,
        "extraFees": "",
    }
