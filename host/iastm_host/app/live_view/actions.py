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


def is_silent(snapshot: LiveSnapshot, view: ViewState) -> bool:
    """Whether the key of the sound would end a silence: of this computer, or where that has no sound of the tool."""
    return view.sound_paused(snapshot.taken_us) if view.sound_available else snapshot.tool_silenced_s > 0


def sound_label(snapshot: LiveSnapshot, view: ViewState) -> str:
    """Return what the key of the sound does now, "" where there is nothing to silence."""
    if view.sound_available:
        return "Sound on" if is_silent(snapshot, view) else "Pause sound"
    tool = snapshot.tool
    if tool is None or not tool.chooses_channels or replays(snapshot):
        return ""
    return "Tool sounds" if is_silent(snapshot, view) else "Silence tool"


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
    sound = sound_label(snapshot, view)
    if sound:
        actions.append(Action("S", sound, "sound"))
    actions.append(Action("I", "Inspect", "inspect"))
    actions.append(Action("?", "Limits", "about"))
    return tuple(actions)
