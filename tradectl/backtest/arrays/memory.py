"""Memory between runs: fetched from the system page by page, arrays of a run would cost about as much as the run."""

import numpy as np

#: Bytes of a block after which the allocator keeps what is freed, up to twice as much.
_BLOCK = 16 * 2**20


def keep_freed() -> None:
    """Let the allocator keep the arrays that a run leaves for the next one; it takes a few microseconds.

    glibc gives back what lies free beyond a threshold, and raises that threshold to twice the size of the largest block
    it has seen freed. The block here is never written to, so it takes no memory. Elsewhere this does nothing.
    """
    np.empty(_BLOCK, np.uint8)
