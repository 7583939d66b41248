"""The sequence of pages: what is asked for, one thing per page.

A run is one seating of the tool. It begins with the heaviest load hung once, of which nothing is kept: a cell's first
loading differs from those after it (ISO 376 and ASTM E74 preload for that reason). Within a run each angle is a series
of its own: a zero, the loads up, the same loads down (the heaviest serves both ways), a zero again.
"""

from __future__ import annotations

from dataclasses import dataclass

from iastm_host.app.calibrating.setup import Setup

PREPARE = "prepare"
WARM_UP = "warm_up"
EXERCISE = "exercise"
SEAT = "seat"
TURN = "turn"
ZERO = "zero"
LOAD = "load"
CHECK = "check"
RESULT = "result"
# The step of a zero in a document.
ZERO_STEP = -1
# What one point takes with the hands that it needs, and the pages around: ours, tried with weights on a cord.
_POINT_S = 15.0
_SEAT_S = 60.0
_OVERHEAD_S = 240.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its kind, and where it stands. A zero is `rising` before the loads and not after them.

    `step` counts the loads from 0, the lightest; −1 elsewhere. `number` of `of` is its place among the loads of this
    direction, `load_kg` what hangs there, 0 elsewhere.
    """

    kind: str
    run: int
    angle_deg: float
    rising: bool = True
    step: int = ZERO_STEP
    load_kg: float = 0.0
    number: int = 0
    of: int = 0

    @property
    def measures(self) -> bool:
        """Whether a point is taken on it."""
        return self.kind in (ZERO, LOAD)

    @property
    def series(self) -> tuple[int, float]:
        """The series it belongs to: run and angle."""
        return self.run, self.angle_deg


def pages(setup: Setup) -> tuple[Page, ...]:
    """Return all pages in order, for a setup without problems."""
    upright = setup.angles_deg[0]
    found = [Page(PREPARE, 1, upright), Page(WARM_UP, 1, upright)]
    for run in range(1, setup.run_count + 1):
        for angle_deg in setup.angles_deg:
            if angle_deg != upright:
                found.append(Page(TURN, run, angle_deg))
            elif run > 1:
                found.append(Page(SEAT, run, angle_deg))
            if angle_deg == upright:
                found.append(Page(EXERCISE, run, angle_deg, load_kg=setup.loads_kg[-1]))
            found += _series(setup.loads_kg, run, angle_deg)
    last = setup.angles_deg[-1]
    return (*found, Page(CHECK, setup.run_count, last), Page(RESULT, setup.run_count, last))


def _series(loads_kg: tuple[float, ...], run: int, angle_deg: float) -> list[Page]:
    count = len(loads_kg)
    up = [Page(LOAD, run, angle_deg, True, step, load, step + 1, count) for step, load in enumerate(loads_kg)]
    down = [
        Page(LOAD, run, angle_deg, False, step, loads_kg[step], count - 1 - step, count - 1)
        for step in range(count - 2, -1, -1)
    ]
    return [Page(ZERO, run, angle_deg), *up, *down, Page(ZERO, run, angle_deg, rising=False)]


def steps_of(setup: Setup) -> tuple[str, ...]:
    """Return the titles of the list of steps, which each run goes through."""
    loads = [f"Load at {angle:g}°" for angle in setup.angles_deg]
    return ("Prepare", "Warm up", "Zero", *loads, "Check", "Certificate")


def step_title(page: Page, setup: Setup) -> str:
    """Return the title of the step that a page belongs to."""
    match page.kind:
        case "prepare":
            return "Prepare"
        case "warm_up" | "exercise":
            return "Warm up" if page.run == 1 else "Zero"
        case "check":
            return "Check"
        case "result":
            return "Certificate"
        case "seat":
            return "Zero"
        case "zero" if page.rising and page.angle_deg == setup.angles_deg[0]:
            return "Zero"
        case _:
            return f"Load at {page.angle_deg:g}°"


def minutes(setup: Setup) -> int:
    """Return about how many minutes the whole takes."""
    planned = pages(setup)
    points = sum(page.measures for page in planned)
    turns = sum(page.kind in (SEAT, TURN) for page in planned)
    return max(1, round((points * _POINT_S + turns * _SEAT_S + _OVERHEAD_S) / 60))
