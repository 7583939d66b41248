"""A run with a Progressor: what it comes to live is what its recording comes to, whenever that began."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iastm_host.analysis.profiles import Contact
from iastm_host.app.acquisition import Acquisition, Plan, Summary
from iastm_host.app.live_state import GAUGE_NOT_TARED, NEVER_WARNS
from iastm_host.app.offline import recorded_contact, recorded_events, recorded_numbering, recorded_profile
from iastm_host.app.zeroing import TARED
from iastm_host.events import Chunk, ForceBlock, Gap, Stroke
from iastm_host.records.entries import Recording
from iastm_host.tool.progressor import NEWTONS_PER_KG
from iastm_host.transports.base import IASTM, LOST, PROGRESSOR, Transport, TransportError
from iastm_host.transports.borders import bordered
from iastm_host.transports.replay import ReplayClock, ReplayTransport

PERIOD_US = 12_500
BATCH = 4


def waves(time_s: float) -> float:
    """Kilograms of a stroke every two seconds, each harder than the one before, after 3 s of rest."""
    if time_s < 3.0 or time_s % 2 > 1:
        return 0.0
    return (0.5 + time_s / 20) * math.sin(math.pi * (time_s % 2))


class Gauge(Transport):
    """A link to a Progressor and the gauge itself, in a time of their own; `at` holds what happens at a read.

    Where it `goes_on` its clock runs on while the link is away, else a start sets it back.
    """

    def __init__(self, *, goes_on: bool = True) -> None:
        self.mtu: int | None = 20
        self.dialect = IASTM
        self.host_us = 1_000_000
        self.clock_us = 0
        self.reads = 0
        self.at: dict[int, Callable[[], None]] = {}
        self.commands: list[int] = []
        self.weighed: list[int] = []
        self.lost_batches = 0
        self._goes_on = goes_on
        self._streams = False
        self._offset_kg = 0.02
        self._tare_kg = 0.0
        self._answers: list[bytes] = []

    async def rediscovered(self) -> None:
        return

    async def open(self) -> None:
        self.dialect = PROGRESSOR
        self._answers = []

    async def read(self) -> Chunk:
        # Other threads' requests get through.
        await asyncio.sleep(0)
        self.reads += 1
        if self.reads in self.at:
            self.at[self.reads]()
        data = b"".join(bordered(answer) for answer in self._answers)
        self._answers = []
        self.host_us += BATCH * PERIOD_US
        if self._streams:
            data += self._weigh()
        return Chunk(self.host_us, data)

    def cut(self) -> None:
        self.host_us += 3_000_000
        if self._goes_on:
            self.clock_us += 3_000_000
        else:
            self._streams = False
        raise TransportError(LOST, "Out of range.", "Come back.")

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        assert not privileged
        (command,) = data
        self.commands.append(command)
        if command == 0x6B:
            self._answers.append(b"\x00\x032.0")
        elif command == 0x6F:
            self._answers.append(b"\x00\x04" + struct.pack("<I", 3900))
        elif command == 0x65:
            self._streams = True
            if not self._goes_on:
                self.clock_us = 0
        elif command == 0x66:
            self._streams = False
        elif command == 0x64:
            self._tare_kg = self._offset_kg

    async def close(self) -> None:
        self._answers = []

    def _weigh(self) -> bytes:
        value = b""
        for _ in range(BATCH):
            kg = waves(self.clock_us / 1e6) + self._offset_kg - self._tare_kg
            value += struct.pack("<fI", kg, self.clock_us)
            self.weighed.append(self.clock_us)
            self.clock_us += PERIOD_US
        if self.lost_batches:
            self.lost_batches -= 1
            return b""
        return bordered(bytes([1, len(value)]) + value)


def make(gauge: Gauge, profile: Any, folder: Path, **plan: Any) -> Acquisition:
    settings: dict[str, Any] = {"duration_s": 15.0, "patience_s": None, "record": True, "recordings": folder, **plan}
    planned = Plan("ble", profile, None, Contact(), "test 1", **settings)
    return Acquisition(gauge, planned, lambda: gauge.host_us, lambda: datetime(2026, 1, 2, tzinfo=UTC))


def ended(run: Acquisition) -> Summary:
    run.start()
    assert run.join(60)
    summary = run.summary()
    assert summary.problem is None
    return summary


def counts(summary: Summary) -> tuple[int, int, int | None, int, int, int, list[Any]]:
    return (
        summary.samples_received,
        summary.samples_expected,
        summary.first_index,
        summary.end_index,
        summary.gap_count,
        summary.stroke_count,
        [decision.alert for decision in summary.alerts],
    )


def replayed(recording: Recording) -> Summary:
    clock = ReplayClock(lambda: 0, 0)
    plan = Plan(
        "replay",
        recorded_profile(recording),
        None,
        recorded_contact(recording),
        recording.start.software,
        live=False,
        replay_span_us=recording.length_us(),
        replay_speed=0,
        numbering=recorded_numbering(recording),
    )
    link = ReplayTransport(recording.chunks(), clock, recording.start.mtu, dialect=recording.dialect)
    return ended(Acquisition(link, plan, clock.now_us, lambda: datetime(2026, 1, 2, tzinfo=UTC)))


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_run_with_lost_samples_and_cuts_is_played_back_as_it_was(profile: Any, tmp_path: Path, goes_on: bool) -> None:
    gauge = Gauge(goes_on=goes_on)

    def lose() -> None:
        gauge.lost_batches = 3

    gauge.at = {90: lose, 150: gauge.cut, 230: gauge.cut}
    live = ended(make(gauge, profile, tmp_path, duration_s=30.0))
    assert live.recording is not None
    assert live.stroke_count >= 5
    assert live.alerts
    assert live.gap_count == 3
    # Samples lost on the way are missing; a clock that began anew can't tell what was.
    missing = live.samples_expected - live.samples_received
    assert missing == 12 + (480 if goes_on else 0)
    recording = Recording(live.recording)
    assert recording.dialect == PROGRESSOR
    assert recorded_numbering(recording) is None
    assert counts(replayed(recording)) == counts(live)
    offline = [event for event in recorded_events(recording) if isinstance(event, Stroke) and not event.truncated]
    assert len(offline) == live.stroke_count


def test_a_recording_begun_in_mid_run_numbers_its_samples_as_the_run_did(profile: Any, tmp_path: Path) -> None:
    gauge = Gauge()
    run = make(gauge, profile, tmp_path, record=False)
    gauge.at = {70: run.start_recording, 160: run.add_marker}
    live = ended(run)
    assert live.gap_count == 0
    (path,) = tmp_path.glob("*.iastm")
    recording = Recording(path)
    items = [event for event in recorded_events(recording) if isinstance(event, ForceBlock | Gap)]
    blocks = [item for item in items if isinstance(item, ForceBlock)]
    assert len(items) == len(blocks) > 100
    assert blocks[0].first_index > 200
    for block in blocks:
        assert gauge.weighed[block.first_index] == block.tool_us
        assert block.force_n[0] == pytest.approx((waves(block.tool_us / 1e6) + 0.02) * NEWTONS_PER_KG, abs=1e-5)
    assert blocks[-1].next_index == live.end_index
    (marker,) = recording.markers()
    assert marker.boot_id == blocks[0].boot_id
    assert blocks[0].first_index < marker.index < blocks[-1].next_index
    # It streamed all the while, and a start might have set its clock back.
    assert gauge.commands.count(0x65) == 1
    again = replayed(recording)
    assert (again.end_index, again.gap_count) == (live.end_index, 0)


def test_a_zero_is_set_by_a_tare_that_is_confirmed_and_stands_in_the_recording(profile: Any, tmp_path: Path) -> None:
    gauge = Gauge()
    run = make(gauge, profile, tmp_path)
    seen: list[Any] = []
    gauge.at = {30: run.zero} | {n: lambda: seen.append(run.snapshot()) for n in (25, 70)}
    live = ended(run)
    before, after = seen
    assert before.faults == (GAUGE_NOT_TARED, NEVER_WARNS)
    assert after.faults == (NEVER_WARNS,)
    assert after.zero.word == TARED
    assert not after.tool_warns
    assert gauge.commands.count(0x64) == 1
    assert live.recording is not None
    assert len(Recording(live.recording).notes("tare")) == 1
