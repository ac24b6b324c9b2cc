"""A look ahead: which bars come next that have a code, and their closes, fetched before they are needed.

Closes lie far apart where signals are rare. Read one after another while an account is reckoned, each is waited for;
read in a row they arrive together.
"""

from typing import Any

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from tradectl.backtest.arrays.compiled import part

#: How many bars one look finds.
AHEAD = 32
_BYTE = np.uint64(8)


@part
def look_ahead(words: Any, close: Any, at: int, end: int, bars: Any, prices: Any) -> int:
    """Fill in the next bars with a code, from ``at`` on, and their closes; ``end`` stands behind the last of all.

    ``words`` are the codes, eight in each; those from ``end`` on are not looked at. Returns where to look next.
    """
    place, last = at >> 3, (end + 7) >> 3
    if place >= last:
        bars[0] = end
        return end
    gone = np.uint64((at & 7) << 3)
    word = words[place] >> gone << gone
    for found in range(len(bars)):
        while word == 0:
            place += 1
            if place == last:
                bars[found] = end
                return end
            word = words[place]
        lowest = trailing_zeros(word) & np.uint64(56)  # type: ignore[call-arg]  # the compiler gives the rest
        word = word >> lowest >> _BYTE << lowest << _BYTE
        at = (place << 3) + np.int64(lowest >> np.uint64(3))
        if at >= end:
            bars[found] = end
            return end
        bars[found], prices[found] = at, close[at]
    return at + 1
