"""What can be done now."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_host.app.live_view.recording import records, replays
from iastm_host.app.live_view.state import ViewState
from iastm_host.app.snapshot import LiveSnapshot


@dataclass(frozen=True, slots=True)
class Action:
    """A key, what it does, and the name of the command it stands for."""

    key: str
    label: str
    command: str


def actions_of(snapshot: LiveSnapshot, view: ViewState) -> tuple[Action, ...]:
    """Return what can be done now, most used first."""
    actions = [Action("Space", "Go on" if view.paused else "Pause", "pause")]
    if not replays(snapshot):
        actions.append(Action("M", "Marker", "marker"))
        actions.append(Action("N", "Region", "region"))
        actions.append(Action("Z", "Zero", "zero"))
        if snapshot.zero.can_undo:
            actions.append(Action("U", "Redo zero" if snapshot.zero.undone else "Undo zero", "undo_zero"))
        if not records(snapshot):
            actions.append(Action("R", "Record", "record"))
    if view.sound_available:
        on = not view.sound_paused(snapshot.taken_us)
        actions.append(Action("S", "Pause sound" if on else "Sound on", "sound"))
    actions.append(Action("I", "Inspect", "inspect"))
    actions.append(Action("?", "Limits", "about"))
    return tuple(actions)
