"""What may be asked of a position's stops: the rules, each with field, value and remedy."""

from decimal import Decimal

from tradectl.engine.intents import ProtectIntent
from tradectl.engine.market_state import MarketState
from tradectl.engine.order_fields import NAME, check_level, check_side, refusal, trigger_reference
from tradectl.model.commands import Check
from tradectl.model.instruments import Instrument
from tradectl.model.money import is_multiple, plain
from tradectl.model.orders import TriggerBy


def check_protect(i: ProtectIntent, info: Instrument, size: Decimal, market: MarketState, whole: bool = False) -> Check:
    """The verdict on a change of a position's stops; ``size`` is the signed position they are for.

    ``whole``: the venue's own set, which may hold a fixed and a trailing stop together.
    """
    return _whole(i, size) or _form(i, info, size, whole) or _levels(i, info, size, market) or Check(NAME, True)


def _whole(i: ProtectIntent, size: Decimal) -> Check | None:
    if not size:
        return refusal("position", size, "there is no position to protect", "attach the stops to the entry instead")
    if i.stop_loss is None and i.take_profit is None and i.trailing is None:
        return refusal("protection", "none", "nothing is to change", "give stop_loss, take_profit or a trailing stop")
    if i.action == "oco" and not (i.stop_loss and i.take_profit):
        return refusal("oco", "one leg", "an OCO has a take_profit and a stop_loss", "give both, or use protect")
    return None


def _form(i: ProtectIntent, info: Instrument, size: Decimal, whole: bool) -> Check | None:
    if info.is_spot and i.trigger_by is not TriggerBy.LAST:
        return refusal("trigger_by", i.trigger_by.value, "spot triggers by the last price", "leave trigger_by out")
    if i.trailing is not None and (not i.trailing.is_finite() or i.trailing < 0):
        return refusal(
            "trailing", i.trailing, "a distance is greater than 0 (0 removes it)", "give a positive distance"
        )
    if i.trailing is not None and i.percent and i.trailing >= 100:
        return refusal("trailing", i.trailing, "a distance in per cent is below 100", "give a smaller one")
    if i.activate is not None and not i.trailing:
        return refusal("activate", i.activate, "an activation price belongs to a trailing stop", "give a distance too")
    if i.stop_loss and i.trailing and not whole:
        return refusal("trailing", i.trailing, "a trailing stop moves the stop_loss itself", "give one of the two")
    if i.qty is None:
        return None
    if i.qty <= 0 or i.qty > abs(size):
        rule = f"a part of the position is between 0 and {plain(abs(size))}"
        return refusal("qty", i.qty, rule, "give a part of the position")
    if not is_multiple(i.qty, info.lot_size):
        return refusal("qty", i.qty, f"a quantity is a multiple of the lot {plain(info.lot_size)}", "round it down")
    return None


def _levels(i: ProtectIntent, info: Instrument, size: Decimal, market: MarketState) -> Check | None:
    now, long = trigger_reference(market, info.id, i.trigger_by), size > 0
    asked = (("stop_loss", i.stop_loss, not long), ("take_profit", i.take_profit, long))
    for name, level, above in asked:
        failed = check_side(name, level, above, now, info) if level else None
        if failed is not None:
            return failed
    if i.activate is not None:
        return check_level("activate", i.activate, info)
    if i.trailing and not i.percent and now is not None and i.trailing >= now:
        return refusal("trailing", i.trailing, f"a distance is below the price {plain(now)}", "give a smaller one")
    return None
