"""The tool's dose: whether it stands at its limit, told once, also where the tool's own alert was lost on the way."""

from __future__ import annotations

from iastm_host.events import Health

IN_A_ROW = 2
"""So many HEALTH of the tool in a row must say otherwise: one may have waited since before an alert or a reset."""


class DoseAlert:
    """Whether a tool's dose has come to the limit that it was told.

    Attributes: `reached`: it has. `limit_ns`: that limit in newton seconds, 0 where it is off or unknown.
    """

    def __init__(self) -> None:
        self.reached = False
        self.limit_ns = 0.0
        self._otherwise = 0

    def alerted(self) -> None:
        """Take the tool's own alert."""
        self.reached, self._otherwise = True, 0

    def hear(self, health: Health) -> bool:
        """Take the tool's condition; return whether the limit was reached without an alert that came."""
        self.limit_ns = health.dose_limit_ns
        reached = 0 < health.dose_limit_ns <= health.dose_ns
        self._otherwise = self._otherwise + 1 if reached != self.reached else 0
        if self._otherwise < IN_A_ROW:
            return False
        self.reached, self._otherwise = reached, 0
        return reached

    def restarted(self) -> None:
        """Forget all: the tool started anew, and its dose is 0."""
        self.reached, self.limit_ns, self._otherwise = False, 0.0, 0
