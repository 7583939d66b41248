"""Which calibration held when: samples that come late are converted with that of their own time."""

from __future__ import annotations

from bisect import bisect_right

from iastm_host.events import CalibrationReport


class Calibrations:
    """The calibrations of one boot, each with the index from which it holds; the first one told holds for all before.

    A batch holds samples of one calibration (SPEC.md, 7.4), so that its first index decides.
    """

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._told: list[CalibrationReport] = []

    def add(self, report: CalibrationReport) -> None:
        """Take one that is told, anew or once more; changes after it are told again too."""
        kept = bisect_right(self._starts, report.from_index - 1)
        self._starts[kept:] = [report.from_index]
        self._told[kept:] = [report]

    def of(self, index: int) -> CalibrationReport | None:
        """Return that of a sample, None where none was told yet."""
        if not self._told:
            return None
        return self._told[max(0, bisect_right(self._starts, index) - 1)]
