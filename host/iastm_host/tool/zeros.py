"""Which zero held when: samples that come late are converted with the zero of their own time."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray

_EVER = -1


class Zeros:
    """The zeros of one boot, each with the index from which it holds; the first holds for all before."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._counts: list[int] = []

    def add(self, from_index: int, counts: int, previous_counts: int) -> None:
        """Take a zero that is told, anew or once more; changes after it are told again too."""
        if not self._starts:
            self._starts.append(_EVER)
            self._counts.append(previous_counts)
        kept = sum(start < from_index for start in self._starts)
        self._starts[kept:] = [from_index]
        self._counts[kept:] = [counts]

    def of(self, first_index: int, n: int) -> int | NDArray[np.float64]:
        """Return the zero in counts of `n` samples from `first_index` on: a number, or (n,) where it changed."""
        if first_index >= self._starts[-1]:
            return self._counts[-1]
        held = bisect_right(self._starts, first_index) - 1
        if held == bisect_right(self._starts, first_index + n - 1) - 1:
            return self._counts[max(held, 0)]
        places = np.searchsorted(self._starts, np.arange(first_index, first_index + n), side="right") - 1
        return np.array(self._counts, dtype=np.float64)[np.maximum(places, 0)]
