"""``/v5/account/*``, ``/v5/user/*`` and ``/v5/asset/*`` (bybit-v5 7)."""

from typing import Any

from tradectl.model.instruments import Instrument
from tradectl.model.money import plain
from tradectl.sandbox.server import params as wire
from tradectl.sandbox.server.calls import Call, Route
from tradectl.sandbox.server.envelope import Reply
from tradectl.sandbox.server.params import CATEGORIES, DAY_MS, bad
from tradectl.sandbox.server.rows.wallets import ledger_row

_MARGIN_MODES = ("ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN")
_NO_PERMISSIONS = (
    "Wallet", "Options", "CopyTrading", "BlockTrade", "Exchange", "NFT", "Affiliate", "Earn", "FiatP2P",
    "FiatConvertBroker", "FiatGlobalPay", "FiatBitPay", "BitCard", "ByXPost",
)  # fmt: skip


def wallet_balance(call: Call) -> Reply:
    wire.one_of(call.params, "accountType", ("UNIFIED",))
    named = wire.text(call.params, "coin")
    coins = [coin for coin in named.split(",") if coin] if named else None
    return Reply({"list": [call.floor.views.wallet(call.uid, coins)]})


def info(call: Call) -> Reply:
    return Reply(
        {
            "marginMode": "REGULAR_MARGIN",
            "updatedTime": str(call.floor.started // 1_000_000),
            "unifiedMarginStatus": 5,
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }
    )


def fee_rate(call: Call) -> Reply:
    category = wire.category(call.params)
    symbol, base = wire.text(call.params, "symbol"), wire.text(call.params, "baseCoin")
    views = call.floor.views
    instruments = [views.find(category, symbol)] if symbol else views.instruments(category)
    rows = [_fee_row(call, instrument) for instrument in instruments if base in ("", instrument.base_coin)]
    return Reply({"list": rows})


def _fee_row(call: Call, instrument: Instrument) -> dict[str, str]:
    fees = call.floor.venue.exchange.fees(call.uid)
    taker, maker = (fees.spot_taker, fees.spot_maker) if instrument.is_spot else (fees.linear_taker, fees.linear_maker)
    return {"symbol": instrument.id.symbol, "takerFeeRate": plain(taker), "makerFeeRate": plain(maker)}


def transaction_log(call: Call) -> Reply:
    wire.one_of(call.params, "accountType", ("UNIFIED",), default="UNIFIED")
    category = wire.one_of(call.params, "category", CATEGORIES, default="")
    start, end = wire.window(call.params, call.venue_ms(), DAY_MS)
    limit, cursor = wire.limit(call.params, 20, 50), wire.cursor(call.params)
    entries, cursor = call.floor.venue.ledger(
        call.uid,
        category=category,
        currency=wire.text(call.params, "currency"),
        base_coin=wire.text(call.params, "baseCoin"),
        type=wire.text(call.params, "type"),
        start_ms=start,
        end_ms=end,
        limit=limit,
        cursor=cursor,
    )
    return Reply({"nextPageCursor": cursor, "list": [ledger_row(entry) for entry in entries]})


def set_margin_mode(call: Call) -> Reply:
    """Cross margin is the only mode here: setting it succeeds, another fails as Bybit's failures do."""
    mode = wire.one_of(call.params, "setMarginMode", _MARGIN_MODES)
    if mode == "REGULAR_MARGIN":
        return Reply({"reasons": []})
    reason = {"reasonCode": "3400045", "reasonMsg": f"{mode} is not supported by this sandbox"}
    return Reply({"reasons": [reason]}, 3400045, "Set margin mode failed")


def instruments_info(call: Call) -> Reply:
    """The public rows, limited to what the account may trade, with its RPI permissions."""
    wire.category(call.params, ("spot", "linear", "inverse"))
    wire.limit(call.params, 200, 200)
    result = call.floor.venue.market("instruments-info", call.params)
    rows = [row | {"isPublicRpi": False, "myRpiPermission": False} for row in result["list"]]
    return Reply(result | {"list": rows})


def query_api(call: Call) -> Reply:
    account = call.account
    trades: dict[str, list[str]] = {
        "ContractTrade": ["Order", "Position"],
        "Spot": ["SpotTrade"],
        "Derivatives": ["DerivativesTrade"],
    }
    result: dict[str, Any] = {
        "id": account.uid,
        "note": "sandbox",
        "apiKey": account.key,
        "readOnly": int(account.read_only),
        "secret": "",
        "permissions": trades | {name: [] for name in _NO_PERMISSIONS},
        "ips": list(account.ips) or ["*"],
        "type": 1,
        "deadlineDay": 90,
        "expiredAt": "2099-12-31T00:00:00Z",
        "createdAt": "2025-12-30T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": int(account.uid),
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "",
    }
    return Reply(result, message="")


def coin_info(call: Call) -> Reply:
    """No deposits or withdrawals here; ccxt asks in every authenticated ``load_markets`` (bybit-v5 7.5)."""
    if len(wire.text(call.params, "coin")) > 20:
        raise bad("params error: coin invalid")
    return Reply({"rows": []})


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "account/wallet-balance"): Route(wallet_balance, "account/wallet-balance"),
    ("GET", "account/info"): Route(info, "account/info"),
    ("GET", "account/fee-rate"): Route(fee_rate, "account/fee-rate"),
    ("GET", "account/transaction-log"): Route(transaction_log, "account/transaction-log"),
    ("GET", "account/instruments-info"): Route(instruments_info, "account/instruments-info"),
    ("POST", "account/set-margin-mode"): Route(set_margin_mode, "account/set-margin-mode", writes=True),
    ("GET", "user/query-api"): Route(query_api, "user/query-api"),
    ("GET", "asset/coin/query-info"): Route(coin_info, "asset/coin/query-info"),
}
