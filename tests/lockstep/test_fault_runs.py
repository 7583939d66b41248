"""The real host and the real firmware over a cable that does what cables do, in virtual time: nothing is lost silently.

What is recorded equals the truth sample by sample. What is missing had left the tool's ring, or went with a restart of
the tool, and stands as a gap. No alarm is lost, and each run ends by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.lockstep.link import CUT, RESET, STALL_DOWN, STALL_UP, Fault, Weather
from tests.lockstep.rig import Rig, Session
from tests.lockstep.tool import RATE_HZ, Build
from tests.lockstep.verdict import Verdict, judge

from iastm_host.transports.runtime import Runtime

_TICKS = 1 << 30
# The link is whole again for so long before the session ends: what can be fetched is to be there.
_CALM_S = 8.0
# Beside the firmware's compiled code, which boards have in flash: 6.4 s of samples, or a minute.
_SHALLOW, _DEEP = (2048, 320 * 1024), (60 * 320, 416 * 1024)


def _faults(rng: random.Random, seconds: float) -> tuple[Fault, ...]:
    at_s = rng.uniform(2.0, 5.0)
    found: list[Fault] = []
    while at_s < seconds - _CALM_S:
        kind = rng.choice((STALL_DOWN, STALL_UP, CUT, CUT, CUT, RESET))
        if kind == RESET:
            length_s = rng.uniform(0.2, 3.0)
        elif kind == CUT:
            length_s = 0.1 * 500 ** rng.random()
        else:
            length_s = rng.uniform(0.1, 5.0)
        found.append(Fault(round(at_s * 1e6), kind, round(length_s * 1e6), rng.random() < 0.5))
        at_s += length_s + rng.uniform(0.3, 8.0)
    return tuple(found)


def _weather(rng: random.Random, seconds: float) -> Weather:
    return Weather(
        faults=_faults(rng, seconds),
        noise=rng.choice((0.0, 0.0, 0.01, 0.05, 0.15)),
        noise_until_us=round((seconds - _CALM_S) * 1e6),
        down_us=(rng.choice((200, 5_000, 40_000)), rng.choice((0, 2_000, 40_000))),
        up_us=(rng.choice((200, 5_000, 40_000)), rng.choice((0, 2_000, 40_000))),
        vanishes=rng.random() < 0.5,
        keeps=rng.random() < 0.5,
    )


def _run(runtime: Runtime, folder: Path, seed: int, seconds: float) -> tuple[Session, Weather, Verdict]:
    rng = random.Random(seed)
    weather = _weather(rng, seconds)
    ring_depth, heap_bytes = _DEEP if rng.random() < 0.4 else _SHALLOW
    build = Build(
        runtime,
        ring_depth,
        heap_bytes,
        # Within the run the tool's ticks wrap, as they do each 18 minutes.
        ticks_start_us=_TICKS - rng.randrange(1, int(seconds * 1e6)) if rng.random() < 0.5 else 0,
    )
    session = Rig(build, weather, folder, seed, seconds, ppm=rng.randint(-100, 100)).run()
    try:
        return session, weather, judge(session, weather)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}; {weather}; {session.happened}") from error


def test_what_is_recorded_over_a_faulty_link_is_the_truth_and_every_loss_has_its_reason(
    runtime: Runtime, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    alarms = 0
    happened: set[str] = set()
    for seed in range(size(8, 200)):
        seconds = 20.0 + 70.0 * random.Random(-seed).random() if size(0, 1) else 22.0
        folder = tmp_path / str(seed)
        folder.mkdir()
        session, weather, verdict = _run(runtime, folder, seed, seconds)
        assert session.lasted_s >= seconds
        alarms += len(verdict.alarms)
        happened |= {fault.kind for fault in weather.faults} | ({"noise"} if weather.noise else set())
    assert alarms > 0
    assert happened == {CUT, RESET, STALL_DOWN, STALL_UP, "noise"}


def test_of_a_cut_longer_than_the_ring_what_had_left_it_is_lost_and_no_more(runtime: Runtime, tmp_path: Path) -> None:
    cut_s = 30.0
    weather = Weather((Fault(5_000_000, CUT, round(cut_s * 1e6)),))
    session = Rig(Build(runtime, *_SHALLOW), weather, tmp_path, 1, 40.0).run()
    verdict = judge(session, weather)
    # Up to two seconds pass until the port is tried again; one page of the ring, and what is under way, go either way.
    away = cut_s * RATE_HZ - 2048
    assert away - 400 <= verdict.lost <= away + 2.5 * RATE_HZ
    # One cut is one gap.
    assert verdict.gaps == 1
    assert verdict.received + verdict.lost >= 40 * RATE_HZ


def test_a_tool_that_restarts_out_of_reach_is_recorded_from_its_first_conversion(
    runtime: Runtime, tmp_path: Path
) -> None:
    # Switched off for half a second, and its cable out for ten.
    weather = Weather((Fault(5_000_000, RESET, 500_000, unplugs=True), Fault(5_100_000, CUT, 10_000_000)))
    session = Rig(Build(runtime, *_DEEP), weather, tmp_path, 2, 25.0).run()
    verdict = judge(session, weather)
    assert verdict.lost == 0
    assert len(verdict.told) == 2
    first, again = verdict.told.values()
    assert again[0][0] == 0
    assert len(first) + len(again) >= 25 * RATE_HZ


def test_noise_that_never_ends_loses_nothing_of_what_came_before_the_stop(runtime: Runtime, tmp_path: Path) -> None:
    # One write in seven is harmed, to the very end: what is fetched at last comes over the same cable.
    weather = Weather(noise=0.15, noise_until_us=3_600_000_000)
    session = Rig(Build(runtime, *_DEEP), weather, tmp_path, 3, 15.0).run()
    verdict = judge(session, weather)
    assert verdict.lost == 0
    assert verdict.received >= 15 * RATE_HZ
