"""The pre-trade checks: each a small object with a name, a limit, and a reason that is stored with the decision."""

from tradectl.engine.risk_checks.behaviour import (
    AmendRateCheck,
    DuplicateCheck,
    OpenOrdersCheck,
    OrderRateCheck,
    QueueCheck,
    RepeatCheck,
    SelfTradeCheck,
)
from tradectl.engine.risk_checks.candidate import Candidate, RiskCheck, RiskView, Verdict, told
from tradectl.engine.risk_checks.exposure import (
    BalanceCheck,
    GrossCheck,
    GroupExposureCheck,
    LeverageCheck,
    MarginCheck,
    NetCheck,
    StrategyExposureCheck,
)
from tradectl.engine.risk_checks.loss import (
    DayLossCheck,
    DayRealisedCheck,
    DrawdownCheck,
    FundingCheck,
    LiquidationCheck,
    StrategyLossCheck,
)
from tradectl.engine.risk_checks.market import BandCheck, CollarCheck, CrossedCheck, FreshnessCheck
from tradectl.engine.risk_checks.order_form import MinNotionalCheck, PriceCheck, QuantityCheck
from tradectl.engine.risk_checks.permission import (
    InstrumentStatusCheck,
    LateBarCheck,
    ProtectionCheck,
    ReduceOnlyCheck,
    RestrictedCheck,
    TradingStateCheck,
    UniverseCheck,
)
from tradectl.engine.risk_checks.size import (
    ConcentrationCheck,
    OrderSizeCheck,
    OrderValueCheck,
    PositionSizeCheck,
    StrategyPositionCheck,
)

FORM_CHECKS: tuple[RiskCheck, ...] = (QuantityCheck(), PriceCheck())
_PERMISSION: tuple[RiskCheck, ...] = (InstrumentStatusCheck(), TradingStateCheck())
_INTENT: tuple[RiskCheck, ...] = (LateBarCheck(), RestrictedCheck(), UniverseCheck(), ProtectionCheck())
_MARKET: tuple[RiskCheck, ...] = (FreshnessCheck(), CrossedCheck())
_PRICE: tuple[RiskCheck, ...] = (BandCheck(), CollarCheck(), MinNotionalCheck())
_EXPOSURE: tuple[RiskCheck, ...] = (
    PositionSizeCheck(), StrategyPositionCheck(), GrossCheck(), NetCheck(), StrategyExposureCheck(gross=True),
    StrategyExposureCheck(gross=False), GroupExposureCheck(gross=True), GroupExposureCheck(gross=False),
    ConcentrationCheck(), MarginCheck(), LeverageCheck(),
)  # fmt: skip
_LOSS: tuple[RiskCheck, ...] = (
    DayLossCheck(), DayRealisedCheck(), DrawdownCheck(), StrategyLossCheck(drawdown=False),
    StrategyLossCheck(drawdown=True), LiquidationCheck(), FundingCheck(),
)  # fmt: skip
_BEHAVIOUR: tuple[RiskCheck, ...] = (
    OpenOrdersCheck(), OrderRateCheck(), AmendRateCheck(), RepeatCheck(), DuplicateCheck(), SelfTradeCheck(),
    QueueCheck(),
)  # fmt: skip

#: Every check, in the order they run: what is wrong with the order itself comes before what is wrong with the moment.
ALL_CHECKS: tuple[RiskCheck, ...] = (
    *FORM_CHECKS, _PERMISSION[0], ReduceOnlyCheck(), _PERMISSION[1], *_INTENT, *_MARKET, *_PRICE, OrderSizeCheck(),
    OrderValueCheck(), *_EXPOSURE, BalanceCheck(), *_LOSS, *_BEHAVIOUR,
)  # fmt: skip
#: What is looked at again when a queued order is released: what may have moved while it waited.
RELEASE_CHECKS: tuple[RiskCheck, ...] = (*_PERMISSION, *_MARKET, *_EXPOSURE, *_LOSS)

__all__ = ["ALL_CHECKS", "FORM_CHECKS", "RELEASE_CHECKS", "Candidate", "RiskCheck", "RiskView", "Verdict", "told"]
