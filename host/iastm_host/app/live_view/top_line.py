"""The top line: what is treated with, and the states of link, recording, battery and sound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from iastm_host.app.live_view.banner import LOW_BATTERY_PERCENT
from iastm_host.app.live_view.ladder import Ladder
from iastm_host.app.live_view.recording import records, replays
from iastm_host.app.live_view.state import ViewState
from iastm_host.app.live_view.texts import clock_text, size_text
from iastm_host.app.snapshot import LinkView, LiveSnapshot

# Of each state of the link: icon, word, and whether the chip is inverse.
LINK_WORDS: dict[str, tuple[str, str, bool]] = {
    "searching": ("usb", "Searching", False),
    "connecting": ("usb", "Connecting", False),
    "greeting": ("usb", "Connecting", False),
    "synchronising": ("sync", "Connecting", False),
    "streaming": ("link", "Live", False),
    "silent": ("info", "No data", True),
    "lost": ("nolink", "Link lost", True),
    "refused": ("nolink", "Refused", True),
    "ended": ("check", "Ended", False),
    "closed": ("usb", "Searching", False),
}
REPLAY_WORDS: dict[str, tuple[str, str, bool]] = {
    **dict.fromkeys(("searching", "connecting", "greeting", "synchronising", "closed"), ("play", "Opening", False)),
    "streaming": ("play", "Replay", False),
    "lost": ("nolink", "Was lost", True),
}
"""What the states of the link are called where they happened before; others as live."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One state of the top line: icon, far word, near words, and whether it is inverse (needs to be noticed)."""

    icon: str
    word: str
    near: str = ""
    inverse: bool = False


def subtitle_of(snapshot: LiveSnapshot) -> str:
    """Return where the force comes from: a replay, a simulated or a real tool, its tip, its interpreter."""
    parts = []
    tool = snapshot.tool
    if snapshot.link.carrier == "replay":
        parts.append("Replay")
    if snapshot.link.carrier == "simulated" or (tool is not None and tool.simulated):
        parts.append("Simulated tool")
    elif tool is not None:
        parts.append(f"Tool {tool.serial_number}" if tool.serial_number else tool.board)
    tip = snapshot.tip
    parts.append("Tip area unknown" if tip is None else f"{tip.name}, {tip.area_cm2:.1f} cm²")
    if snapshot.runtime:
        parts.append(snapshot.runtime)
    return "  ·  ".join(parts)


def chips_of(snapshot: LiveSnapshot, view: ViewState, ladder: Ladder) -> tuple[Chip, ...]:
    """Return the states of link, recording, battery where it is known, and sound."""
    return (
        _link_chip(snapshot, ladder),
        _recording_chip(snapshot),
        *_battery_chip(snapshot),
        _sound_chip(snapshot, view),
        *_tool_silence_chip(snapshot),
    )


def _link_chip(snapshot: LiveSnapshot, ladder: Ladder) -> Chip:
    link: LinkView = snapshot.link
    words = {**LINK_WORDS, **REPLAY_WORDS} if replays(snapshot) else LINK_WORDS
    icon, word, inverse = words.get(link.state, ("info", link.state.capitalize(), False))
    if ladder.state == "stale":
        return Chip("info", "No data", "", inverse=True)
    replay = snapshot.replay
    if replay is not None and link.state == "streaming":
        pace = ", as fast as it goes" if replay.speed == 0 else "" if replay.speed == 1 else f", {replay.speed:g}×"
        return Chip("play", "Replay", f"{clock_text(replay.position_s)} of {clock_text(replay.length_s)}{pace}")
    return Chip(icon, word, "", inverse)


def _recording_chip(snapshot: LiveSnapshot) -> Chip:
    recording = snapshot.recording
    if recording is None and replays(snapshot):
        return Chip("norec", "", "Recorded before")
    if recording is None or not records(snapshot):
        return Chip("norec", "", "Not recording", inverse=recording is not None)
    return Chip("rec", clock_text(recording.elapsed_s), size_text(recording.bytes_written), recording.trouble != "")


def _battery_chip(snapshot: LiveSnapshot) -> tuple[Chip, ...]:
    percent = snapshot.battery_percent
    if percent is None:
        return ()
    low = percent <= LOW_BATTERY_PERCENT
    return (Chip("batlow" if low else "bat", f"{percent} %", "", inverse=low),)


def _sound_chip(snapshot: LiveSnapshot, view: ViewState) -> Chip:
    if not view.sound_available:
        return Chip("mute", "", "No sound")
    if view.sound_paused(snapshot.taken_us):
        assert view.sound_paused_until_us is not None
        left_s = math.ceil((view.sound_paused_until_us - snapshot.taken_us) / 1e6)
        return Chip("mute", clock_text(left_s), "", inverse=True)
    return Chip("sound", "")


def _tool_silence_chip(snapshot: LiveSnapshot) -> tuple[Chip, ...]:
    """Return that the tool's own alerts are silenced, or are chosen to be none; nothing where they are not."""
    if snapshot.link.state != "streaming" or replays(snapshot):
        return ()
    if snapshot.tool_silenced_s > 0:
        return (Chip("mute", clock_text(snapshot.tool_silenced_s), "Tool", inverse=True),)
    if snapshot.tool_alerts_by == ():
        return (Chip("mute", "", "Tool alerts by nothing", inverse=True),)
    return ()
