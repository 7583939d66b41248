"""The real firmware as a process whose time passes only as far as it is granted."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from iastm_host.scenarios import Cell, make_scenario, pack_rows
from iastm_host.transports.runtime import Runtime
from iastm_protocol import frames, kinds, messages

RATE_HZ = 320
_END_TIMEOUT_S = 20.0
_ROWS_AT_ONCE = 1 << 17
_CELL = Cell()


@dataclass(frozen=True, slots=True)
class Build:
    """How a tool is made. `heap_bytes` bounds the ring that it can keep."""

    runtime: Runtime
    ring_depth: int
    heap_bytes: int
    ticks_start_us: int = 0
    scenario: str = "treatment"
    tells_truth: bool = True


class LockstepTool:
    """One boot of a tool that plays `seconds` of a scenario; what it played is `truth()` once it is ended.

    `boot_id` is what it said of itself, None where nobody asked.
    """

    def __init__(self, build: Build, folder: Path, seed: int, seconds: float) -> None:
        folder.mkdir()
        self.boot_id: int | None = None
        self.rows_path = folder / "rows.bin"
        self._decoder = frames.Decoder(kinds.MAX_LINK_PAYLOAD)
        self._truth = folder / "truth.csv"
        settings = folder / "settings.json"
        scenario = make_scenario(build.scenario, seed, RATE_HZ, _CELL)
        with self.rows_path.open("wb") as rows:
            for first in range(0, int(seconds * RATE_HZ), _ROWS_AT_ONCE):
                rows.write(pack_rows(*scenario.next_rows(min(_ROWS_AT_ONCE, int(seconds * RATE_HZ) - first))))
        settings.write_text(json.dumps(_settings(build)))
        command = build.runtime.module_command("iastm_simulated", build.heap_bytes)
        truth = ["--truth", str(self._truth)] if build.tells_truth else []
        self._stderr = folder / "stderr.txt"
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*command, "--lockstep", "--rows", self.rows_path, "--settings", settings, *truth],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=build.runtime.environment(os.environ),
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._grants: IO[bytes] = self._process.stdin
        self._turns: IO[bytes] = self._process.stdout
        self._take_turn()

    def run(self, until_us: int, room: int, said: bytes) -> tuple[int, bytes]:
        """Grant time up to `until_us` and `room` bytes to write; `said` arrives at once.

        Return when the turn ended, and what was written then: at `until_us`, or at the first write before.
        """
        grant = struct.pack("<QI", until_us, room) + said
        self._grants.write(struct.pack("<I", len(grant)) + grant)
        self._grants.flush()
        return self._take_turn()

    def end(self) -> None:
        """Switch it off, as at a reset: it gets no time to say anything."""
        self._grants.close()
        self._process.wait(_END_TIMEOUT_S)
        self._turns.close()

    def truth(self) -> NDArray[np.int64]:
        """Return index and raw counts of each conversion (n, 2)."""
        rows: NDArray[np.int64] = np.loadtxt(
            self._truth, delimiter=",", skiprows=1, usecols=(0, 3), dtype=np.int64, ndmin=2
        )
        return rows

    def _take_turn(self) -> tuple[int, bytes]:
        wrote = b""
        while length := int.from_bytes(self._read(4), "little"):
            wrote += self._read(length)
        if wrote and self.boot_id is None:
            self._decoder.feed(wrote)
            while (frame := self._decoder.next_frame()) is not None:
                if frame.kind == kinds.HELLO_ANSWER:
                    self.boot_id = messages.HelloAnswer.from_payload(frame.payload).boot_id
        return int.from_bytes(self._read(8), "little"), wrote

    def _read(self, n: int) -> bytes:
        data = self._turns.read(n)
        assert len(data) == n, f"the tool ended by itself: {self._stderr.read_text()}"
        return data


def _settings(build: Build) -> dict[str, object]:
    return {
        "rate_mhz": RATE_HZ * 1000,
        "ring_depth": build.ring_depth,
        "ticks_start_us": build.ticks_start_us,
        "zero_counts": _CELL.zero_counts,
        "calibration": {
            "id": _CELL.calibration_id,
            "sha256": _CELL.sha256,
            "capacity_n": _CELL.capacity_n,
            "coefficients": list(_CELL.coefficients),
        },
    }
