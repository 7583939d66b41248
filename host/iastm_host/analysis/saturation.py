"""Where the converter was at its rail: the force there was at least what is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from iastm_host.events import ForceBlock
from iastm_protocol.kinds import COUNTS_MAX, COUNTS_MIN, SATURATED


def is_saturated(block: ForceBlock) -> bool:
    """Tell whether the tool flagged the block as saturated."""
    return bool(block.flags & SATURATED)


def at_rail(counts: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which raw counts (n,) stand at a rail of the converter."""
    rail: NDArray[np.bool_] = (counts >= COUNTS_MAX) | (counts <= COUNTS_MIN)
    return rail
