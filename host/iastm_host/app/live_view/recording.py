"""Whether what is shown is being recorded, or was."""

from __future__ import annotations

from iastm_host.app.live_view.texts import sentence
from iastm_host.app.snapshot import LiveSnapshot


def records(snapshot: LiveSnapshot) -> bool:
    """Whether a recording runs."""
    return snapshot.recording is not None and snapshot.recording.path != ""


def replays(snapshot: LiveSnapshot) -> bool:
    """Whether what is shown happened before, so that nothing can be asked of the tool."""
    return snapshot.replay is not None or snapshot.link.carrier == "replay"


def recording_trouble(snapshot: LiveSnapshot) -> str:
    """Return what keeps the recording from being whole, "" where nothing does."""
    return "" if snapshot.recording is None else sentence(snapshot.recording.trouble)
