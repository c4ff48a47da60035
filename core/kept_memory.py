"""Keep freed memory for the arrays that come next, where the allocator would give it back at once."""

import numpy as np


def keep_freed_blocks(up_to: int) -> None:
    """After a block of this size has come and gone, untouched, glibc keeps all that are smaller.

    It gives large ones back once they are free, and getting them again page by page takes a third of a scan's time.
    Elsewhere this does nothing.
    """
    np.empty(up_to, np.uint8)
