"""Pauses and regions of a session in the seconds of its file, and the # lines by which an export says them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegionInFile:
    """A region of the session, from the second one on: its number and where it begins, None where that is unknown."""

    number: int
    start_s: float | None


@dataclass(frozen=True, slots=True)
class PauseInFile:
    """A pause of the session: from when until when, None where that is unknown."""

    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True)
class StepsInFile:
    """The regions and the pauses of a session, each in the order of their time."""

    regions: tuple[RegionInFile, ...] = ()
    pauses: tuple[PauseInFile, ...] = ()

    def region_at(self, time_s: float) -> int:
        """Return the number of the region at a time, 1 before the second one begins."""
        begun = [region.number for region in self.regions if region.start_s is not None and region.start_s <= time_s]
        return begun[-1] if begun else 1


# Other gauges write lines of regions and pauses too, in words of their own.
STEP_LINES = ("# region: number=", "# pause: start_s=")

_SECONDS = r"(-?[\d.]+|unknown)"
_REGION = re.compile(rf"# region: number=(\d+) start_s={_SECONDS}")
_PAUSE = re.compile(rf"# pause: start_s={_SECONDS} end_s={_SECONDS}")


def step_lines(steps: StepsInFile) -> Iterator[str]:
    """Yield a line for each region and each pause."""
    for region in steps.regions:
        yield f"# region: number={region.number} start_s={_text(region.start_s)}\n"
    for pause in steps.pauses:
        yield f"# pause: start_s={_text(pause.start_s)} end_s={_text(pause.end_s)}\n"


def steps_told(lines: Sequence[str]) -> StepsInFile:
    """Return what the lines of an export of ours say. Raises ValueError with one that can't be read."""
    regions, pauses = [], []
    for line in lines:
        if found := _REGION.fullmatch(line.strip()):
            regions.append(RegionInFile(int(found[1]), _seconds(found[2], line)))
        elif found := _PAUSE.fullmatch(line.strip()):
            pauses.append(PauseInFile(_seconds(found[1], line), _seconds(found[2], line)))
        else:
            raise ValueError(line)
    return StepsInFile(tuple(regions), tuple(pauses))


def _text(time_s: float | None) -> str:
    return "unknown" if time_s is None else f"{time_s:.6f}"


def _seconds(text: str, line: str) -> float | None:
    try:
        return None if text == "unknown" else float(text)
    except ValueError:
        raise ValueError(line) from None
