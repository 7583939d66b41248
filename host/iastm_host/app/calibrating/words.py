"""What the pages say: one imperative each, with a hint beneath it."""

from __future__ import annotations

from iastm_host.app.calibrating.plan import (
    CHECK,
    EXERCISE,
    LOAD,
    PREPARE,
    RESULT,
    SEAT,
    TURN,
    WARM_UP,
    ZERO,
    Page,
    minutes,
)
from iastm_host.app.calibrating.setup import FULL, Setup

KEPT = "Taken points are kept if you stop."
_HINT_OF_ZERO = "Nothing touches the tip. The zero is taken after 2 steady seconds."
LINK_LOST_FIX = "Points are kept. It goes on by itself when the tool is back."

ANSWERS = {
    "repeat": "Repeat",
    "keep": "Keep with a note",
    "skip": "Leave out",
    "wait": "Wait",
    "go_on": "Go on",
    "anew": "Take it again",
    "back": "Go back to it",
}


def load_label(load_kg: float) -> str:
    """Return a load as it is marked on a weight: "1,500 g"."""
    grams = round(load_kg * 1000, 3)
    return f"{grams:,.0f} g" if grams == round(grams) else f"{grams:,.6g} g"


def label(page: Page, setup: Setup) -> str:
    """Return what a page loads: the weight, or with a gauge the force to aim at; "" for none."""
    if page.kind not in (LOAD, EXERCISE):
        return ""
    if setup.against_gauge:
        return f"{setup.force_n(page.load_kg, page.angle_deg):.1f} N"
    return load_label(page.load_kg)


def context(page: Page, setup: Setup) -> str:
    """Return where in the whole a page stands."""
    if page.kind == LOAD:
        way = "up" if page.rising else "down"
        return f"Loading {way}, at {page.angle_deg:g}° · point {page.number} of {page.of}"
    if page.kind == ZERO:
        return f"{'Before' if page.rising else 'After'} the loads, at {page.angle_deg:g}°"
    if page.kind in (SEAT, TURN, EXERCISE):
        return f"Run {page.run} of {setup.run_count}"
    whole = "Full calibration" if setup.method == FULL else "Quick calibration"
    return f"{whole} · about {minutes(setup)} minutes"


def instruction(page: Page, setup: Setup, *, zero_again: bool) -> str:
    """Return what to do now."""
    if zero_again:
        return "Take all loads off for a new zero"
    match page.kind:
        case "prepare":
            return "Rest tool and gauge, tip free" if setup.against_gauge else "Clamp the tool, tip free"
        case "warm_up":
            return "Let the tool warm up"
        case "seat":
            return "Take the tool out and seat it anew"
        case "turn":
            return f"Turn the tool to {page.angle_deg:g}°"
        case "zero":
            return "Leave the tip free" if page.rising else "Take all loads off"
        case "check":
            return "Look at the differences"
        case "result":
            return "Save the certificate"
        case _ if setup.against_gauge:
            return f"Press to about {label(page, setup)} and hold"
        case _:
            return f"Hang {label(page, setup)} on the tip"


def hint(page: Page, setup: Setup, *, zero_again: bool) -> str:
    """Return how to do it."""
    if zero_again:
        return _HINT_OF_ZERO
    steady = "The point is taken after 2 steady seconds."
    match page.kind:
        case "prepare" if setup.against_gauge:
            return "The tip presses on the gauge, along its axis. Nothing else touches."
        case "prepare":
            loads = ", ".join(load_label(load) for load in setup.loads_kg)
            return f"The tip points straight down. Have ready: a cord, and {loads}."
        case "warm_up":
            return "Nothing touches the tip."
        case "exercise":
            return "Once, before the zero: a cell's first loading differs from those after it. Nothing is taken."
        case "seat":
            return "Upright again (90°), tip free. Seating anew tells how much that changes."
        case "turn":
            return "Measured between tip and table. Upright is 90°."
        case "zero":
            return _HINT_OF_ZERO
        case "check":
            return "A point that stands apart can be repeated: go back to it."
        case "result":
            return "The document is saved here, then written to the tool."
        case _ if page.rising:
            return steady
        case _:
            return f"{steady} Come down to it, not up."


def take_label(page: Page, *, has_point: bool, kept: bool, zero_again: bool) -> str:
    """Return what the main button does."""
    if zero_again:
        return "Take zero"
    if page.kind == RESULT:
        return "Write to the tool" if kept else "Save and write"
    if page.kind == CHECK:
        return "Calculate"
    if page.kind in (PREPARE, WARM_UP, EXERCISE, SEAT, TURN) or has_point:
        return "Go on"
    return "Take zero" if page.kind == ZERO else "Take point"
