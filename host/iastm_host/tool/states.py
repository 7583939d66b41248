"""The states of a link to one tool: every transition is a row."""

from __future__ import annotations

CLOSED = "closed"
SEARCHING = "searching"
CONNECTING = "connecting"
GREETING = "greeting"
SYNCHRONISING = "synchronising"
STREAMING = "streaming"
SILENT = "silent"
REFUSED = "refused"
LOST = "lost"
ENDED = "ended"

# What happens to a link.
SEEKING = "seeking"
OPENING = "opening"
OPENED = "opened"
GREETED = "greeted"
SYNCHRONISED = "synchronised"
FELL_SILENT = "fell silent"
NO_ANSWER = "no answer"
NO_SAMPLES = "no samples"
OTHER_VERSION = "other version"
BROKEN = "broken"
FINISHED = "finished"

TRANSITIONS: dict[tuple[str, str], str] = {
    (CLOSED, SEEKING): SEARCHING,
    (SEARCHING, OPENING): CONNECTING,
    (SEARCHING, BROKEN): LOST,
    (SEARCHING, FINISHED): ENDED,
    (CLOSED, OPENING): CONNECTING,
    (CONNECTING, OPENED): GREETING,
    (CONNECTING, BROKEN): LOST,
    (GREETING, GREETED): SYNCHRONISING,
    (GREETING, NO_ANSWER): REFUSED,
    (GREETING, OTHER_VERSION): REFUSED,
    (GREETING, BROKEN): LOST,
    (GREETING, FINISHED): ENDED,
    (SYNCHRONISING, SYNCHRONISED): STREAMING,
    (SYNCHRONISING, GREETED): SYNCHRONISING,
    (SYNCHRONISING, NO_ANSWER): REFUSED,
    # It restarted in between, with other firmware.
    (SYNCHRONISING, OTHER_VERSION): REFUSED,
    (SYNCHRONISING, BROKEN): LOST,
    (SYNCHRONISING, FINISHED): ENDED,
    (STREAMING, FELL_SILENT): SILENT,
    (STREAMING, NO_SAMPLES): REFUSED,
    (STREAMING, BROKEN): LOST,
    (STREAMING, FINISHED): ENDED,
    # A tool that fell silent may have restarted: it is greeted anew.
    (SILENT, GREETED): SYNCHRONISING,
    (SILENT, NO_ANSWER): LOST,
    (SILENT, OTHER_VERSION): REFUSED,
    (SILENT, BROKEN): LOST,
    (SILENT, FINISHED): ENDED,
    (CLOSED, FINISHED): ENDED,
    (CONNECTING, FINISHED): ENDED,
    # Lost until it is open again: attempts that fail change nothing but the reason.
    (LOST, OPENING): CONNECTING,
    (REFUSED, OPENING): CONNECTING,
    (LOST, FINISHED): ENDED,
    (REFUSED, FINISHED): ENDED,
    (REFUSED, BROKEN): REFUSED,
    (LOST, BROKEN): LOST,
    (ENDED, FINISHED): ENDED,
    (ENDED, BROKEN): ENDED,
}

REASONS: dict[str, str] = {
    SEEKING: "Looking for the tool",
    OPENING: "Opening the link",
    OPENED: "Asking the tool who it is",
    GREETED: "Reading calibration, zero and limits",
    SYNCHRONISED: "Live",
    FELL_SILENT: "The tool fell silent. Asking it again.",
    NO_ANSWER: "No tool answered",
    NO_SAMPLES: "The tool streams nothing that can be read",
    OTHER_VERSION: "The tool speaks another protocol version",
    BROKEN: "The link broke",
    FINISHED: "Ended",
}


def after(state: str, happening: str) -> str:
    """Return the state after `happening`; raises KeyError where the table has no such row."""
    return TRANSITIONS[state, happening]
