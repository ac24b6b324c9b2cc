"""A recorded run beside a backtest of the same data: every difference in fills and profit, explained by its cause.

How it adds up. All fills of an instrument are valued at one common mark, so profit is linear in fills: a fill of signed
quantity ``q`` and signed value ``v`` is worth ``q * mark - v - fee`` (of an inverse contract ``v - q / mark - fee``, in
the base coin), a funding payment what was paid. The orders of both sides are matched (:mod:`.matching`), each pair is
taken apart (:mod:`.waterfall`), and what is left over is ``signal``. Nothing is estimated or spread: each step takes
away exactly what it names, so the causes add up to the difference to the last digit.
"""
