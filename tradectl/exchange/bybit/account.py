"""The account and its key against what the settings declare: checked, applied where it can be, checked again."""

from decimal import Decimal

from tradectl.exchange.bybit.config import BybitConfig, Environment, PositionMode
from tradectl.exchange.bybit.meanings import meaning_of
from tradectl.exchange.bybit.rest import Rest
from tradectl.exchange.bybit.wire import AccountInfo, KeyInfo, PositionPage, PositionRow
from tradectl.exchange.retry_handler import ReadFailed
from tradectl.model.errors import ErrorCode, Problem
from tradectl.model.events import Reaction
from tradectl.model.instruments import Category, InstrumentId
from tradectl.model.money import plain

#: Permissions of which each category needs one, as (group, name) (bybit-v5 2.3).
NEEDED: dict[Category, tuple[tuple[str, str], ...]] = {
    Category.SPOT: (("Spot", "SpotTrade"),),
    Category.LINEAR: (("ContractTrade", "Order"), ("Derivatives", "DerivativesTrade")),
    Category.INVERSE: (("ContractTrade", "Order"), ("Derivatives", "DerivativesTrade")),
    Category.OPTION: (("Options", "OptionsTrade"),),
}
UNIFIED = (3, 4, 5, 6)
EXPIRY_WARNING_DAYS = 7


class Account:
    """One account, read through ``rest``."""

    def __init__(self, rest: Rest, config: BybitConfig) -> None:
        self._rest = rest
        self._config = config
        self._apply_settings = True
        self.uid = ""

    async def check(self, *, apply: bool = True) -> tuple[str, ...]:
        """Sentences about everything that is not as declared, after applying it where possible when ``apply``.

        Raises ``Problem`` when trading is impossible as configured (bad key, no permission) and ``ReadFailed``
        when the venue could not be asked.
        """
        self._apply_settings = apply
        problems = await self._check_key()
        problems += await self._check_margin_mode()
        await self._hedge_all()
        for instrument, leverage in self._config.leverage.items():
            problems += await self._check_symbol(instrument, leverage)
        return tuple(problems)

    async def _check_key(self) -> list[str]:
        try:
            key = await self._rest.read("get_api_key_information", KeyInfo)
        except ReadFailed as failure:
            # Demo may lack query-api (bybit-v5 1): the other reads will tell whether the key works.
            if self._config.environment is Environment.DEMO and failure.code in (404, 10017):
                return ["The venue does not tell the key's permissions here; they are not checked."]
            raise
        self.uid = str(key.userID)
        if key.readOnly:
            raise Problem(
                ErrorCode.FORBIDDEN, "the API key is read-only", field="keys", remedy="Make a key that may trade."
            )
        for category in self._config.categories:
            self._require(key, category)
        return _key_problems(key)

    def _require(self, key: KeyInfo, category: Category) -> None:
        if any(name in key.permissions.get(group, ()) for group, name in NEEDED[category]):
            return
        missing = " or ".join(f"{group}/{name}" for group, name in NEEDED[category])
        raise Problem(
            ErrorCode.FORBIDDEN,
            f"the API key may not trade {category.value}: {missing} is missing",
            field="keys",
            remedy=f"Add the permission, or take {category.value} out of the settings.",
        )

    async def _check_margin_mode(self) -> list[str]:
        wanted = self._config.margin_mode
        info = await self._rest.read("get_account_info", AccountInfo)
        problems = []
        if info.unifiedMarginStatus not in UNIFIED:
            problems.append("The account is no unified trading account: upgrade it on the site.")
        if wanted is None or info.marginMode == wanted.value:
            return problems
        refusal = await self._apply("set_margin_mode", setMarginMode=wanted.value)
        info = await self._rest.read("get_account_info", AccountInfo)
        if info.marginMode != wanted.value:
            problems.append(f"Margin mode is {info.marginMode}, the settings say {wanted.value}{refusal}.")
        return problems

    async def _hedge_all(self) -> None:
        """Hedge mode for every symbol of the coin at once, for orders may come in any of them; those with a position or
        an order stay as they are, and each declared one is looked at by itself."""
        if self._config.position_mode is PositionMode.HEDGE and "USDT" in self._config.settle_coins:
            await self._apply("switch_position_mode", category=Category.LINEAR.value, coin="USDT", mode=3)

    async def _check_symbol(self, instrument: InstrumentId, leverage: Decimal) -> list[str]:
        if instrument.category not in (Category.LINEAR, Category.INVERSE):
            return []
        refusal = ""
        rows = await self._positions(instrument)
        wanted = self._wanted_mode(instrument)
        if wanted is not None and not _mode_fits(rows, wanted):
            mode = 0 if wanted is PositionMode.ONE_WAY else 3
            refusal += await self._apply(
                "switch_position_mode", category=instrument.category.value, symbol=instrument.symbol, mode=mode
            )
            rows = await self._positions(instrument)
        if not _leverage_fits(rows, leverage):
            text = plain(leverage)
            refusal += await self._apply(
                "set_leverage",
                category=instrument.category.value,
                symbol=instrument.symbol,
                buyLeverage=text,
                sellLeverage=text,
            )
            rows = await self._positions(instrument)
        return self._symbol_problems(instrument, leverage, rows, refusal)

    def _wanted_mode(self, instrument: InstrumentId) -> PositionMode | None:
        mode = self._config.position_mode
        return PositionMode.ONE_WAY if mode is PositionMode.HEDGE and not can_hedge(instrument) else mode

    def _symbol_problems(
        self, instrument: InstrumentId, leverage: Decimal, rows: tuple[PositionRow, ...], refusal: str
    ) -> list[str]:
        problems = []
        mode = self._wanted_mode(instrument)
        if mode is not None and not _mode_fits(rows, mode):
            problems.append(f"{instrument} is not in position mode {mode.value} as the settings say{refusal}.")
        if not _leverage_fits(rows, leverage):
            stated = ", ".join(sorted({row.leverage or "none" for row in rows})) or "not stated"
            problems.append(f"Leverage of {instrument} is {stated}, the settings say {plain(leverage)}{refusal}.")
        return problems

    async def _positions(self, instrument: InstrumentId) -> tuple[PositionRow, ...]:
        page = await self._rest.read(
            "get_positions", PositionPage, category=instrument.category.value, symbol=instrument.symbol
        )
        return page.list

    async def _apply(self, method: str, **parameters: object) -> str:
        """Change a setting of the account once, if that was asked for; returns why it was refused, or ``""``."""
        if not self._apply_settings:
            return ""
        reply = await self._rest.send(method, **parameters)
        if reply.status and (reply.code == 0 or meaning_of(reply.code).reaction is Reaction.OK):
            return ""
        return f" ({method}: {reply.code} {reply.message})"


def can_hedge(instrument: InstrumentId) -> bool:
    """USDT perpetuals alone: dated ones carry their date in the name, USDC and inverse end otherwise (bybit-v5 6.3)."""
    return instrument.category is Category.LINEAR and instrument.symbol.endswith("USDT")


def _mode_fits(rows: tuple[PositionRow, ...], mode: PositionMode) -> bool:
    """One-way rows have index 0, hedge rows 1 and 2 (bybit-v5 6.1)."""
    hedged = any(row.positionIdx != 0 for row in rows)
    return hedged == (mode is PositionMode.HEDGE)


def _leverage_fits(rows: tuple[PositionRow, ...], leverage: Decimal) -> bool:
    """Whether every row states ``leverage``; portfolio margin states none (bybit-v5 6.1)."""
    return bool(rows) and all(row.leverage and Decimal(row.leverage) == leverage for row in rows)


def _key_problems(key: KeyInfo) -> list[str]:
    problems = []
    if "Withdraw" in key.permissions.get("Wallet", ()):
        problems.append("The API key may withdraw: make one without that permission.")
    if key.deadlineDay is not None and 0 <= key.deadlineDay < EXPIRY_WARNING_DAYS:
        problems.append(f"The API key expires in {key.deadlineDay} days: bind it to an address or make a new one.")
    return problems


def key_problem(code: int, message: str, config: BybitConfig) -> Problem:
    """A refused key as an error for a person. 10003 most often means the wrong host for the key (bybit-v5 1, 2.3)."""
    where = f"environment {config.environment.value}, site {config.site.value}"
    remedy = {
        10003: "A key belongs to one environment and one site: check exchange.site (bybit, nl, tr, kz, eu, ...) and "
        "whether the key was made for mainnet, testnet or demo.",
        10004: "Check that the whole secret was entered, without spaces.",
        10005: "Give the key the permission to trade and to read the account.",
        10010: "Add this machine's address to the key's list.",
        33004: "Make a new key: this one has expired.",
    }.get(code, "Check the key on the venue's site.")
    return Problem(
        ErrorCode.UNAUTHORIZED,
        f"Bybit refuses the API key ({where}): {meaning_of(code).text} (code {code}: {message})",
        field="keys",
        remedy=remedy,
    )
