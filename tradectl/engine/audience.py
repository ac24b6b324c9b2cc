"""Who follows the engine's statements: database, views, journal and notifications all, a backtest hardly any.

What is decided never depends on it: commands to the venue, timers and state are the same whoever listens.
"""

from msgspec import Struct


class Audience(Struct, frozen=True, kw_only=True):
    """What is stated beside the commands that something must carry out; executions and alerts always are.

    ``decisions``: every decision with its checks in words, what was told and what was looked at. Without it only
    refused ones are stated, with the failing check alone. ``orders``: each change of an order; without it the last one,
    when the order is over. ``positions``: positions and balances. ``equity``: the regular marks.
    """

    decisions: bool = True
    orders: bool = True
    positions: bool = True
    equity: bool = True


EVERYBODY = Audience()
NOBODY = Audience(decisions=False, orders=False, positions=False, equity=False)
