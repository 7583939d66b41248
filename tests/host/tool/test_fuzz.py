"""Whatever a link or a tool that lost its mind says, the host's way from bytes to strokes goes on and never raises."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from iastm_host.analysis.profiles import Contact
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.events import Chunk, ForceBlock
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_protocol import frames, kinds

CONTACT = Contact()
STEP_US = 20_000
BATCH = 6


def harmed(rng: random.Random, data: bytes) -> bytes:
    """Return bytes as a bad link gives them."""
    at = rng.randrange(len(data))
    return rng.choice(
        (
            data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :],
            data[:at] + data[at + rng.randint(1, 40) :],
            data[: at + rng.randint(1, 40)] + data[at:],
            data[:at] + rng.randbytes(rng.randint(1, 40)) + data[at:],
            b"",
        )
    )


def mad(rng: random.Random, data: bytes) -> bytes:
    """Return frames whose checksums are right and whose content is not."""
    decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
    decoder.feed(data)
    said = b""
    while (frame := decoder.next_frame()) is not None:
        payload = bytearray(frame.payload)
        for _ in range(rng.randint(0, 3)):
            if payload:
                at = rng.randrange(len(payload))
                payload[at] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        if rng.random() < 0.1:
            payload = payload[: rng.randint(0, len(payload))] + rng.randbytes(rng.choice((0, 0, 1, 9)))
        kind = frame.kind if rng.random() < 0.98 else rng.randrange(0x80)
        said += frames.encode(kind, frame.sequence, bytes(payload))
    return said


@pytest.mark.parametrize("spoil", [harmed, mad])
def test_nothing_that_comes_over_a_link_raises(
    fake_tool: Any,
    profile: Any,
    strokes_as_counts: Any,
    size: Callable[[int, int], int],
    spoil: Callable[[random.Random, bytes], bytes],
) -> None:
    lived = told = 0
    for seed in range(size(30, 1000)):
        rng = random.Random(seed)
        tool = fake_tool(keeps=1000)
        client = ToolClient("fuzz", limits_for(profile, CONTACT))
        pipeline = Pipeline(client, profile, None, CONTACT)
        client.opening()
        client.opened()
        now_us = 1_000_000
        for step in range(500):
            now_us += STEP_US
            tool.now_us += STEP_US
            said = b"".join(tool.take(sent) for sent in client.to_send())
            counts = strokes_as_counts(np.arange(tool.next_index, tool.next_index + BATCH), (6.0, 16.0))
            batch = tool.samples(counts)
            said += batch if tool.streaming else b""
            if said and rng.random() < 0.2:
                said = spoil(rng, said)
            told += sum(isinstance(event, ForceBlock) for event in pipeline.receive(Chunk(now_us, said)))
            if client.state in (states.LOST, states.REFUSED) or (step and rng.random() < 0.002):
                client.broken("The cable is out.")
                client.opening()
                client.opened()
            lived += client.state == states.STREAMING
        pipeline.give_up()
    # It was not only trying to begin.
    assert lived > 1000
    assert told > 1000
