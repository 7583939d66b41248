"""A thousand samples a second over either carrier: every one is recorded, as it was played."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iastm_host.app.offline import recorded_events
from iastm_host.events import ForceBlock, Gap
from iastm_host.records.entries import Recording

RATE_HZ = 1000
WAYS = {
    "serial": ((), lambda line: ("--port", line)),
    "ble": (("--transport", "ble"), lambda line: ("--radio", line, "--tool", "IASTM 0005")),
}


@pytest.mark.parametrize("carrier", WAYS)
def test_a_thousand_samples_a_second_come_without_loss(
    iastm: Callable[..., Any],
    started: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    size: Callable[[int, int], int],
    carrier: str,
) -> None:
    by_carrier, way = WAYS[carrier]
    duration_s = size(6, 60)
    truth = tmp_path / "truth.csv"
    tool = started("simulate", "--rate", str(RATE_HZ), "--seed", "5", "--truth", truth, *by_carrier)
    assert tool.stdout is not None
    reached = way(tool.stdout.readline().strip())
    ran = iastm("run", *reached, "--duration", str(duration_s), "--record", tmp_path / "recordings", "--json")
    assert ran.code == 0, ran.err
    tool.send_signal(signal.SIGINT)
    assert tool.wait(30) == 0
    told = ran.json
    assert told["gaps"] == 0
    assert told["samples"]["received"] == told["samples"]["expected"] >= duration_s * RATE_HZ
    played = [int(line.split(",")[3]) for line in truth.read_text().splitlines()[1:]]
    (path,) = (tmp_path / "recordings").glob("*.iastm")
    recorded = 0
    fetched = 0
    at = None
    for event in recorded_events(Recording(path)):
        assert not isinstance(event, Gap)
        if isinstance(event, ForceBlock):
            assert event.raw_counts is not None
            assert at is None or event.first_index == at
            at = event.next_index
            assert event.raw_counts.tolist() == played[event.first_index : event.next_index]
            recorded += len(event.raw_counts)
            fetched += len(event.raw_counts) if event.backfilled else 0
    assert recorded == told["samples"]["received"]
    print(f"{recorded} samples, {fetched} of them fetched")
