"""Baseline of memory on the tool: each batch as a message of bytes objects. Runs under MicroPython, prints JSON.

Bytes allocated per sample where every 20 ms a `ForceSamples` is packed and encoded anew, as a host would.
"""

import gc
import json

from iastm_protocol import frames, kinds, messages

_BATCHES = 50
_SAMPLES = 6
_PERIOD_US = 3125

allocated = 0
counts = []
for batch in range(_BATCHES):
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # type: ignore[attr-defined]
    counts = [120000 + i for i in range(_SAMPLES)]
    first = batch * _SAMPLES
    packed = messages.pack_counts(counts)
    message = messages.ForceSamples(first, first * _PERIOD_US, (_SAMPLES - 1) * _PERIOD_US, 0, packed)
    frames.encode(kinds.FORCE_SAMPLES, batch, message.to_payload())
    allocated += gc.mem_alloc() - before  # type: ignore[attr-defined]
    gc.enable()
print(json.dumps({"bytes_per_sample": allocated / (_BATCHES * _SAMPLES)}))
