"""Prints the bytes that MicroPython allocates over 1,000 samples, one at a time, for states of the hot path."""

import gc
import json

from iastm_protocol.limits import LimitWatch
from iastm_protocol.strokes import StrokeDetector

SAMPLES = 1000


def allocated(value):
    """Return bytes allocated while the detectors take the same sample again and again, after they settled."""
    detector = StrokeDetector(100, 65, 48)
    watch = LimitWatch(1000, 900, 2)
    sample = [value]

    def feed(first, n):
        index = first
        while index < first + n:
            detector.feed(index, sample)
            watch.feed(index, sample)
            index += 1

    feed(0, 10)
    gc.collect()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    feed(10, SAMPLES)
    return gc.mem_alloc() - before  # type: ignore[attr-defined]


print(json.dumps({"at rest": allocated(0), "in contact": allocated(500), "over the limit": allocated(4_000_000)}))
