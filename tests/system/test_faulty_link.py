"""The real firmware and the real host over a link that flips, drops and doubles bytes, stalls and is cut.

What is recorded equals the truth sample by sample, or its loss stands as a gap; nothing altered gets through.
"""

from __future__ import annotations

import os
import random
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iastm_host.app.offline import recorded_events
from iastm_host.events import ForceBlock, Gap
from iastm_host.records.entries import Recording

RUN_S = 8
POLL_S = 0.02


class FaultyLink:
    """Carries bytes between a tool's pseudo-terminal and one TCP client, and harms them as a seed says."""

    def __init__(self, port: str, seed: int, longest_s: float) -> None:
        self._rng = random.Random(seed)
        self._longest_s = longest_s
        self._tool = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._client: socket.socket | None = None
        self._stopping = threading.Event()
        self._stall_until_s = 0.0
        self._away_until_s = 0.0
        self._next_fault_s = float("inf")
        self.faults: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join(10)
        self._hang_up()
        self._listener.close()
        os.close(self._tool)

    def _run(self) -> None:
        while not self._stopping.is_set():
            now_s = time.monotonic()
            if now_s >= self._next_fault_s and self._client is not None:
                self._harm(now_s)
            watched: list[Any] = [] if now_s < self._stall_until_s else [self._tool]
            if self._client is not None and now_s >= self._stall_until_s:
                watched.append(self._client)
            elif self._client is None and now_s >= self._away_until_s:
                watched.append(self._listener)
            if not watched:
                self._stopping.wait(POLL_S)
                continue
            for ready in select.select(watched, [], [], POLL_S)[0]:
                self._carry(ready)

    def _carry(self, ready: Any) -> None:
        if ready is self._listener:
            self._client, _ = self._listener.accept()
            if self._next_fault_s == float("inf"):
                # Now and then amid the greeting.
                self._next_fault_s = time.monotonic() + 1.0
        elif ready is self._tool:
            data = os.read(self._tool, 4096)
            if self._client is not None:
                self._send(self._spoil(data))
        elif self._client is not None:
            try:
                data = self._client.recv(4096)
            except OSError:
                data = b""
            if data:
                os.write(self._tool, self._spoil(data))
            else:
                self._hang_up()

    def _send(self, data: bytes) -> None:
        assert self._client is not None
        try:
            self._client.sendall(data)
        except OSError:
            self._hang_up()

    def _spoil(self, data: bytes) -> bytes:
        """Flip, drop or double a byte now and then."""
        if self._rng.random() > 0.04 or not data:
            return data
        at = self._rng.randrange(len(data))
        fault = self._rng.choice(("flip", "drop", "double"))
        self.faults.append(fault)
        if fault == "flip":
            return data[:at] + bytes([data[at] ^ (1 << self._rng.randrange(8))]) + data[at + 1 :]
        if fault == "drop":
            return data[:at] + data[at + 1 :]
        return data[: at + 1] + data[at:]

    def _harm(self, now_s: float) -> None:
        fault = self._rng.choice(("stall", "cut"))
        self.faults.append(fault)
        length_s = self._rng.uniform(0.1, self._longest_s)
        if fault == "stall":
            self._stall_until_s = now_s + length_s
        else:
            self._away_until_s = now_s + length_s
            self._hang_up()
        self._next_fault_s = now_s + length_s + self._rng.uniform(0.5, 2.0)

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


@pytest.fixture
def faulty() -> Iterator[Callable[[str, int, float], FaultyLink]]:
    links: list[FaultyLink] = []

    def make(port: str, seed: int, longest_s: float) -> FaultyLink:
        links.append(FaultyLink(port, seed, longest_s))
        return links[-1]

    yield make
    for link in links:
        link.close()


def test_what_is_recorded_over_a_faulty_link_is_the_truth_or_a_gap(
    iastm: Callable[..., Any],
    started: Callable[..., subprocess.Popen[str]],
    faulty: Callable[[str, int, float], FaultyLink],
    tmp_path: Path,
    size: Callable[[int, int], int],
) -> None:
    for seed in range(size(2, 40)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        truth = folder / "truth.csv"
        tool = started("simulate", "--seed", str(seed), "--truth", truth)
        assert tool.stdout is not None
        link = faulty(tool.stdout.readline().strip(), seed, size(12, 50) / 10)
        ran = iastm("run", "--port", link.address, "--duration", str(RUN_S), "--record", folder, "--json")
        assert ran.code == 0, (seed, link.faults, ran.err)
        assert "cut" in link.faults or "stall" in link.faults
        link.close()
        tool.send_signal(2)
        assert tool.wait(30) == 0
        played = {int(line.split(",")[0]): line.strip().split(",") for line in truth.read_text().splitlines()[1:]}
        (path,) = folder.glob("*.iastm")
        at = None
        lost = 0
        for event in recorded_events(Recording(path)):
            if not isinstance(event, ForceBlock | Gap):
                continue
            assert at is None or event.first_index == at, (seed, "a hole that nobody speaks of")
            if isinstance(event, Gap):
                at = event.first_index + event.sample_count
                lost += event.sample_count
                continue
            assert event.raw_counts is not None
            for index, counts in enumerate(event.raw_counts.tolist(), event.first_index):
                assert counts == int(played[index][3]), (seed, index)
            at = event.next_index
        told = ran.json
        # What was away for longer than the tool's ring lasts is a gap, and counted as one.
        assert told["samples"]["received"] + lost == told["samples"]["expected"] >= RUN_S * 320
        assert (told["gaps"] == 0) == (lost == 0)
