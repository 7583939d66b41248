"""A whole session in virtual time: the product's acquisition, the real firmware, a cable with faults between them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.lockstep.link import FaultyLink, Weather
from tests.lockstep.tool import Build, LockstepTool
from tests.lockstep.world import VirtualLoop, World

from iastm_host.analysis.profiles import Contact, profile_for
from iastm_host.app.acquisition import Acquisition, Plan, Summary

PROFILE = profile_for("iastm-one-hand", None)
CONTACT = Contact()
# In real time; what does not end by itself fails.
_LIMIT_S = 100.0
_WALL = datetime(2026, 3, 29, 1, 59, 30, tzinfo=UTC)
# A tool must not run out of what it plays, however long its host takes to come back.
_SPARE_S = 150.0


@dataclass(frozen=True, slots=True)
class Session:
    """What a run came to; `boots` are all starts of the tool, `lasted_s` is virtual."""

    summary: Summary
    boots: list[LockstepTool]
    lasted_s: float
    happened: list[str]


class Rig:
    """Runs one session; a reset of the tool starts the next boot of it."""

    def __init__(self, build: Build, weather: Weather, folder: Path, seed: int, seconds: float, ppm: int = 0) -> None:
        self._build = build
        self._folder = folder
        self._seed = seed
        self._seconds = seconds
        self._world = World(ppm)
        self._link = FaultyLink(self._world, weather, seed, self._reset)
        self._boots: list[LockstepTool] = []

    def run(self) -> Session:
        """Run until the session has its length; raises AssertionError where it does not end."""
        plan = Plan(
            carrier="serial",
            profile=PROFILE,
            tip=None,
            contact=CONTACT,
            software="lockstep 1",
            session=self._seed,
            duration_s=self._seconds,
            patience_s=None,
            record=True,
            recordings=self._folder / "recordings",
        )
        self._boot()
        run = Acquisition(self._link, plan, self._world.host_us, lambda: _WALL, lambda: VirtualLoop(self._world))
        run.start()
        ended = run.join(_LIMIT_S)
        if not ended:
            run.stop()
        for tool in self._boots:
            tool.end()
        assert ended, (self._seed, f"at {self._world.now_us / 1e6:.1f} s, {run.snapshot().link}", self._link.happened)
        return Session(run.summary(), self._boots, self._world.now_us / 1e6, self._link.happened)

    def _boot(self) -> None:
        number = len(self._boots)
        folder = self._folder / f"boot-{number}"
        self._boots.append(LockstepTool(self._build, folder, 1000 * self._seed + number, self._seconds + _SPARE_S))
        self._world.power(self._boots[-1])

    def _reset(self, length_us: int) -> None:
        self._boots[-1].end()
        self._world.power(None)
        asyncio.get_running_loop().call_later(length_us / 1e6, self._boot)
