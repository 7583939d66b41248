"""What belongs to a view and not to the session: pause, inspection, sound."""

from __future__ import annotations

from dataclasses import dataclass, replace

from iastm_host.app.live_view.cursor import newest_peak
from iastm_host.app.snapshot import LiveSnapshot

SOUND_PAUSE_US = 120_000_000
"""A pause of the sound ends by itself after this time."""


def has_button(snapshot: LiveSnapshot) -> bool:
    """Whether the tool may have a button in a hand's reach that pauses and counts regions."""
    return snapshot.tool is not None and snapshot.tool.chooses_channels and not snapshot.tool.simulated


@dataclass(frozen=True, slots=True)
class ViewState:
    """What belongs to a view and not to the session; times are host microseconds, None is "not so".

    `frozen` is the snapshot at which the view was paused. `paused_contact_s` is the contact time of pauses that are
    over: the region's timer leaves it out. `ladder_state`, `contact_s` and `angle_deg` are what was shown last; a
    sustained force and the tool's angle need it for their hysteresis. `cursor` counts samples back from the newest one
    of the frozen trace; None: no inspection.
    """

    frozen: LiveSnapshot | None = None
    paused_contact_s: float = 0.0
    sound_paused_until_us: int | None = None
    sound_available: bool = True
    ladder_state: str = ""
    contact_s: float = 0.0
    cursor: int | None = None
    angle_deg: int | None = None

    @property
    def paused(self) -> bool:
        """Whether the view stands still."""
        return self.frozen is not None

    def pause(self, snapshot: LiveSnapshot) -> ViewState:
        """Return this view, standing still at `snapshot`."""
        return self if self.paused else replace(self, frozen=snapshot)

    def go_on(self, snapshot: LiveSnapshot) -> ViewState:
        """Return this view, live again; contact since the pause began stays out of the region's timer."""
        if self.frozen is None:
            return self
        contact_s = max(0.0, snapshot.exposure.contact_s - self.frozen.exposure.contact_s)
        return replace(self, frozen=None, cursor=None, paused_contact_s=self.paused_contact_s + contact_s)

    def region_contact_s(self, snapshot: LiveSnapshot) -> float:
        """Return the contact time of the region: all but that of pauses."""
        shown = self.frozen if self.frozen is not None else snapshot
        return max(0.0, shown.exposure.contact_s - self.paused_contact_s)

    def inspect(self, snapshot: LiveSnapshot) -> ViewState:
        """Return this view, standing still with a cursor at the newest stroke's peak; a second time without."""
        if self.cursor is not None:
            return replace(self, cursor=None)
        held = self.pause(snapshot)
        assert held.frozen is not None
        return replace(held, cursor=newest_peak(held.frozen))

    def move_cursor(self, samples: int) -> ViewState:
        """Return this view with the cursor `samples` later (negative: earlier), kept within the trace."""
        if self.cursor is None or self.frozen is None:
            return self
        oldest = max(0, len(self.frozen.trace.force_n) - 1)
        return replace(self, cursor=min(oldest, max(0, self.cursor - samples)))

    def after(self, snapshot: LiveSnapshot, ladder_state: str, angle_deg: int | None = None) -> ViewState:
        """Return this view, having shown `snapshot` with the ladder in that state and the tool at that angle.

        Contact time that shrank was counted anew (a recording began): what earlier pauses left out is forgotten.
        """
        contact_s = snapshot.exposure.contact_s
        paused_contact_s = self.paused_contact_s if contact_s >= self.contact_s else 0.0
        return replace(
            self,
            ladder_state=ladder_state,
            contact_s=contact_s,
            paused_contact_s=paused_contact_s,
            angle_deg=angle_deg,
        )

    def without_sound(self) -> ViewState:
        """Return this view on a machine that can't play."""
        return replace(self, sound_available=False) if self.sound_available else self

    def pause_sound(self, now_us: int) -> ViewState:
        """Return this view with the sound paused for two minutes, or on again where it was paused."""
        if self.sound_paused(now_us):
            return replace(self, sound_paused_until_us=None)
        return replace(self, sound_paused_until_us=now_us + SOUND_PAUSE_US)

    def sound_paused(self, now_us: int) -> bool:
        """Whether the sound is paused at host time `now_us`."""
        return self.sound_paused_until_us is not None and now_us < self.sound_paused_until_us
