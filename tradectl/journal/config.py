"""What can be set about the journal."""

from msgspec import Struct

MIB = 1024 * 1024


class JournalConfig(Struct, frozen=True, kw_only=True):
    """Sizes in bytes. ``market_budget`` bounds the closed market segments and the checkpoints kept for them, one each;
    order segments are kept for ever. ``checkpoints_kept`` of the newest are kept besides.

    ``reserve_space`` is kept on disk beforehand and given up when the disk is full, so that cancels and the halt
    can still be recorded. ``compression_level`` is zlib's; on mixed quotes, trades and tickers 6 packs 3.0 times at
    26 MB/s, 3 packs 2.75 times at twice the speed, and 9 gains 2 % for five times the work.
    """

    orders_segment: int = 16 * MIB
    market_segment: int = 16 * MIB
    market_budget: int = 2048 * MIB
    reserve_space: int = 4 * MIB
    checkpoints_kept: int = 3
    compression_level: int = 6
