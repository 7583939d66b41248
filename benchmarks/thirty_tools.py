"""The share of one core that 30 tools at 320 samples/s cost: decoding and both analysers, no link."""

from __future__ import annotations

import time

from benchmarks.fake_tool import BATCH_US, RATE_HZ, FakeTool, treatment
from benchmarks.reference_decoder import ReferenceDecoder
from benchmarks.results import Result
from iastm_host.analysis.profiles import Contact, Profile, profile_for
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.events import Chunk, ForceBlock, Gap, Stroke
from iastm_host.tool.client import ToolClient

TOOLS = 30
DURATION_S = 20
PROMISED_SHARE = 0.05
# Of the baseline a part is enough: it is linear in the bytes.
_BASELINE_S = 4


def run() -> list[Result]:
    """Process the bytes of 30 tools as they would come, greeting included, and compare CPU time with time."""
    profile = one_hand()
    pipelines = [new_pipeline(profile) for _ in range(TOOLS)]
    tools = [FakeTool(number, treatment(seed=number)) for number in range(TOOLS)]
    streams: list[list[bytes]] = [[] for _ in range(TOOLS)]
    ticks = DURATION_S * 1_000_000 // BATCH_US
    answers = [b""] * TOOLS
    spent_s, samples, strokes, gaps = 0.0, 0, 0, 0
    for tick in range(ticks):
        data = [answers[i] + (tool.batch() if tool.streaming else b"") for i, tool in enumerate(tools)]
        for stream, piece in zip(streams, data, strict=True):
            stream.append(piece)
        chunks = [Chunk(tick * BATCH_US, piece) for piece in data]
        begun = time.process_time()
        said = [pipeline.receive(chunk) for pipeline, chunk in zip(pipelines, chunks, strict=True)]
        sent = [b"".join(pipeline.client.to_send()) for pipeline in pipelines]
        spent_s += time.process_time() - begun
        answers = [tool.answer(data) for tool, data in zip(tools, sent, strict=True)]
        for events in said:
            for event in events:
                if isinstance(event, ForceBlock):
                    samples += len(event.force_n)
                strokes += isinstance(event, Stroke)
                gaps += isinstance(event, Gap)
    sent_samples = sum(tool.next_index for tool in tools)
    if samples != sent_samples or gaps or not strokes:
        raise AssertionError(f"{samples} of {sent_samples} samples, {gaps} gaps, {strokes} strokes")
    share = spent_s / DURATION_S
    plain_share = _plain_share(streams)
    return [
        Result(
            f"{TOOLS} tools: decoding and analysis",
            100 * share,
            "% of a core",
            "decoding alone, byte-wise with a bitwise CRC",
            100 * plain_share,
            plain_share / share,
            f"≤ {100 * PROMISED_SHARE:g} % of a core",
            share <= PROMISED_SHARE,
            f"CPU time over {DURATION_S} virtual s of {TOOLS} tools at {RATE_HZ} samples/s in batches of 20 ms,"
            f" greeting, client and both analysers; {samples} samples, {strokes} strokes, no gap.",
        )
    ]


def one_hand() -> Profile:
    """Return the profile that the benchmarks watch: IASTM, one hand."""
    return profile_for("iastm-one-hand", None)


def new_pipeline(profile: Profile) -> Pipeline:
    """Return a pipeline whose link has just been opened."""
    contact = Contact()
    pipeline = Pipeline(ToolClient("benchmark", limits_for(profile, contact)), profile, None, contact)
    pipeline.client.opening()
    pipeline.client.opened()
    return pipeline


def _plain_share(streams: list[list[bytes]]) -> float:
    ticks = _BASELINE_S * 1_000_000 // BATCH_US
    begun = time.process_time()
    for stream in streams:
        decoder = ReferenceDecoder()
        for data in stream[-ticks:]:
            decoder.feed(data)
    return (time.process_time() - begun) / _BASELINE_S
