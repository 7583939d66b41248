"""The verdict: which slot is lit, or what covers the ladder."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from iastm_host.analysis.profiles import Profile
from iastm_host.app.live_view.contact import held_s_of
from iastm_host.app.live_view.force import FORCE_STATES, LADDER_ROWS, classify
from iastm_host.app.live_view.recording import records, replays
from iastm_host.app.live_view.state import ViewState, has_button
from iastm_host.app.live_view.texts import FALSE_FORCE, NO_FORCE, clock_text, force_text, head_and_detail, seconds_since
from iastm_host.app.live_view.zero_check import zero_first
from iastm_host.app.snapshot import LiveSnapshot

STALE_AFTER_US = 500_000
"""Without a new sample for longer than this a number is no longer shown as live."""
READY_AFTER_US = 3_000_000
"""Without contact for this long the last stroke's number is taken away."""
SATURATED_FOR_US = 500_000
"""A clipped sample this recent covers the number, contact or not."""
ANSWER_WITHIN_US = 1_000_000
"""A tool that is on has answered the greeting by then."""
FOUND_WITHIN_US = 3_000_000
"""A tool that is on has been found by then."""
VOUCHED_FOR_US = 5_000_000
"""So long after its last sample a tool that warned by itself is taken to do so still."""
_NO_LINK_YET = ("closed", "searching", "connecting")
HOLD_HYSTERESIS = 0.9
"""A sustained force leaves a state downwards only below this share of its edge."""
LONG_CONTACT_S = 6.0
"""Contact this long is no stroke: what is pressed now counts, and the last stroke's verdict no more."""
RECENT_S = 2.0
"""In a long contact a force over warn stays on the ladder for this long."""
TECHNICAL_STATES = frozenset({"lost", "stale", "saturated", "refused", "backfilling", "stopped", "no_force"})
"""Ladder states in which the signal is in doubt; they carry a hatch and never a number."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The verdict. Force states light a `slot` (top, middle, bottom) with shape, word and number; all others cover
    the ladder (`slot` is "") with an icon, a word and `sub`, and have no number.

    `technical`: the signal is in doubt. `held_text` belongs to sustained techniques and to contacts too long for a
    stroke, `progress` (0 to 1) to sustained techniques.
    """

    state: str
    slot: str
    shape: str
    icon: str
    word: str
    number: str
    sub: str
    technical: bool
    held_text: str = ""
    progress: float | None = None


def ladder_of(snapshot: LiveSnapshot, view: ViewState) -> Ladder:
    """Return the verdict; the first of these that holds: no stream, stale, no true force, clipped, paused, a long
    contact, a missing piece, the force.
    """
    trouble = _stream_cover(snapshot)
    if trouble is not None:
        return trouble
    false_force = next((fault for fault in snapshot.faults if fault in FALSE_FORCE), None)
    if false_force is not None:
        return _cover("no_force", "warn", "No true force", FALSE_FORCE[false_force])
    if _saturated(snapshot):
        return _cover("saturated", "warn", "Out of range", "Ease off, then check the tip")
    if view.paused:
        return _cover("paused", "pause", "Paused", _paused_sub(snapshot))
    verdict, trace = snapshot.verdict, snapshot.trace
    if snapshot.profile.technique == "hold":
        return _hold_ladder(snapshot, view)
    if held_s_of(snapshot) >= LONG_CONTACT_S and verdict.steady_n is not None and math.isfinite(verdict.steady_n):
        return _long_contact_ladder(snapshot, verdict.steady_n)
    if verdict.running_n is not None and verdict.warn_crossed:
        state = classify(verdict.running_n, snapshot.profile)
        over = "too_hard" if verdict.alarm_crossed or state == "too_hard" else "hard"
        return _lit(over, verdict.running_n)
    waiting = _missing_before_a_whole_stroke(snapshot)
    if waiting:
        return _cover("backfilling", "sync", "Next stroke counts", f"Fetching {waiting:,} samples")
    if verdict.running_n is not None and (
        verdict.last_n is None or verdict.contact_start_us - verdict.contact_end_us >= READY_AFTER_US
    ):
        return _ready("This stroke counts when it ends", snapshot)
    if verdict.last_n is None or (
        verdict.running_n is None and trace.last_tool_us - verdict.contact_end_us >= READY_AFTER_US
    ):
        return _ready("Lay the tool on the skin", snapshot)
    return _lit(classify(verdict.last_n, snapshot.profile), verdict.last_n)


def _paused_sub(snapshot: LiveSnapshot) -> str:
    if replays(snapshot):
        return "Space goes on. The replay still runs."
    on = "Hold its button again, or Space: goes on." if snapshot.paused and has_button(snapshot) else "Space goes on."
    runs = "Recording and alarms still run." if records(snapshot) else "Alarms still run."
    # An inspection stands still too, and what comes meanwhile counts.
    return f"Strokes don't count. {on} {runs}" if snapshot.paused else f"{on} {runs}"


def _stream_cover(snapshot: LiveSnapshot) -> Ladder | None:
    link = snapshot.link
    if snapshot.finished and snapshot.problem is not None:
        return _cover("stopped", "stop", "Stopped early", head_and_detail(snapshot.problem.what)[0])
    if snapshot.finished or link.state == "ended":
        return _cover("finished", "check", "Finished", link.reason or "The run has ended")
    if link.state == "lost" and replays(snapshot):
        return _cover("lost", "nolink", "Link was lost", "At this place of the recording")
    if link.state == "lost":
        lost_s = seconds_since(snapshot.taken_us, link.since_us)
        return _cover("lost", "nolink", f"Link lost {lost_s:.1f} s", _lost_advice(snapshot))
    if link.state == "refused":
        return _cover("refused", "nolink", "Tool refused", head_and_detail(link.reason)[0])
    if link.state not in {"streaming", "silent"}:
        if link.carrier == "replay":
            return _cover("no_tool", "play", "Opening the recording", link.reason)
        return _cover("no_tool", "usb", _no_tool_word(snapshot), link.reason or "Waiting for the tool")
    if snapshot.trace.last_arrived_us == 0 and NO_FORCE & set(snapshot.faults):
        return _no_force()
    newest_us = snapshot.trace.last_arrived_us or link.since_us
    silent_us = snapshot.taken_us - newest_us
    if silent_us > STALE_AFTER_US or link.state == "silent":
        return _cover("stale", "info", f"No data {silent_us / 1e6:.1f} s", "Old number hidden")
    if snapshot.trace.last_arrived_us == 0 or len(snapshot.trace.force_n) == 0:
        return _cover("no_tool", "usb", "Connecting", "Waiting for the first sample")
    return None


def lost_for_long(snapshot: LiveSnapshot) -> bool:
    """Whether so much time went by without the tool that nobody here knows whether it still runs.

    It counts from the last sample: attempts to connect in between don't vouch for the tool.
    """
    heard_us = snapshot.trace.last_arrived_us or snapshot.link.since_us
    return snapshot.taken_us - heard_us >= VOUCHED_FOR_US


def light_words(snapshot: LiveSnapshot) -> str:
    """Return how a tool out of reach shows that it does not warn: one that is armed, and one that is off, is dark."""
    by = snapshot.tool_alerts_by
    shows_light = by is None or "light" in by
    return "A slow white or blue light: it does not now" if shows_light else "Whether it does now is unknown"


def _lost_advice(snapshot: LiveSnapshot) -> str:
    if not snapshot.tool_warns:
        return "Nothing warns now: wait for the link"
    if lost_for_long(snapshot):
        return f"It warned by itself when the link went. {light_words(snapshot)}"
    return "Carry on: the tool warns by itself"


def _no_tool_word(snapshot: LiveSnapshot) -> str:
    """Return what to do before the stream. A tool that is on is found and answers at once: only one that does neither
    is to be switched on, and a simulated one by nobody.
    """
    link = snapshot.link
    if link.carrier == "simulated" or link.state not in (*_NO_LINK_YET, "greeting"):
        return "Connecting"
    looked_for = link.state in _NO_LINK_YET
    # A run that has not begun has not looked yet.
    begun = link.state != "closed"
    if begun and snapshot.taken_us - link.since_us >= (FOUND_WITHIN_US if looked_for else ANSWER_WITHIN_US):
        return "Switch on the tool"
    return "Looking for the tool" if looked_for else "Connecting"


def _hold_ladder(snapshot: LiveSnapshot, view: ViewState) -> Ladder:
    verdict, profile = snapshot.verdict, snapshot.profile
    steady_n = verdict.steady_n
    if verdict.running_n is None or steady_n is None or not math.isfinite(steady_n):
        return _ready("Lay the tool on the skin and press slowly", snapshot)
    state = _with_hysteresis(steady_n, profile, view.ladder_state)
    if verdict.alarm_crossed and state == "hard":
        state = "too_hard"
    held_s = held_s_of(snapshot)
    lit = _lit(state, steady_n)
    progress = None if not profile.region_time_s else min(1.0, held_s / profile.region_time_s)
    lit = replace(lit, held_text=f"{held_s:.0f} s", progress=progress)
    return replace(lit, state="hold", word="Hold") if state == "fine" else lit


def _long_contact_ladder(snapshot: LiveSnapshot, steady_n: float) -> Ladder:
    """Return the steady force of a contact that is no stroke, or what went over warn a moment ago."""
    trace, profile = snapshot.trace, snapshot.profile
    recent_n = trace.force_n[-round(RECENT_S * 1e6 / trace.period_us) :]
    highest_n = float(np.max(recent_n[np.isfinite(recent_n)], initial=-math.inf))
    over = classify(highest_n, profile) in {"hard", "too_hard"}
    force_n = highest_n if over else steady_n
    lit = _lit(classify(force_n, profile), force_n)
    lit = replace(lit, held_text=clock_text(held_s_of(snapshot)))
    # The target is for strokes: a force within it is not called fine, nor one below it too light.
    if lit.state == "fine":
        return replace(lit, state="hold", word="Held")
    return replace(lit, word="Held") if lit.state == "light" else lit


def _with_hysteresis(force_n: float, profile: Profile, before: str) -> str:
    state, before = classify(force_n, profile), "fine" if before == "hold" else before
    if before not in FORCE_STATES or FORCE_STATES.index(state) >= FORCE_STATES.index(before):
        return state
    lenient = classify(force_n / HOLD_HYSTERESIS, profile)
    return min(before, lenient, key=FORCE_STATES.index)


def _no_force() -> Ladder:
    return _cover("no_force", "warn", "No true force", "The sensor gives none. End here.")


def _ready(sub: str, snapshot: LiveSnapshot) -> Ladder:
    if NO_FORCE & set(snapshot.faults) and not replays(snapshot):
        return _no_force()
    zero = zero_first(snapshot)
    return _cover("no_zero", "warn", "Set zero", zero) if zero else _cover("ready", "play", "Ready", sub)


def _lit(state: str, force_n: float) -> Ladder:
    slot, shape, word = LADDER_ROWS[state]
    return Ladder(state, slot, shape, "", word, force_text(force_n), "", technical=False)


def _cover(state: str, icon: str, word: str, sub: str) -> Ladder:
    return Ladder(state, "", "", icon, word, "", sub, technical=state in TECHNICAL_STATES)


def _saturated(snapshot: LiveSnapshot) -> bool:
    """Whether the number that would be shown rests on clipped samples, or one came a moment ago."""
    trace = snapshot.trace
    clipped = np.flatnonzero(trace.saturated)
    if not len(clipped):
        return False
    last = len(trace.force_n) - 1
    if (last - int(clipped[-1])) * trace.period_us <= SATURATED_FOR_US:
        return True
    verdict = snapshot.verdict
    from_us = verdict.contact_start_us
    until_us = trace.last_tool_us if verdict.running_n is not None else verdict.contact_end_us
    clipped_us = trace.last_tool_us - (last - clipped) * trace.period_us
    shown_still = verdict.running_n is not None or trace.last_tool_us - until_us < READY_AFTER_US
    if verdict.running_n is not None and snapshot.strokes:
        stroke = snapshot.strokes[-1]
        if stroke.boot_id == trace.boot_id:
            from_us = min(from_us, stroke.first_us)
    return shown_still and bool(np.any((clipped_us >= from_us) & (clipped_us <= until_us)))


def _missing_before_a_whole_stroke(snapshot: LiveSnapshot) -> int:
    """Return how many samples are still being fetched, 0 once a whole stroke came after the newest such hole."""
    trace = snapshot.trace
    missing = ~np.isfinite(trace.force_n)
    if not missing.any():
        return 0
    for first, end, _reason in trace.gaps:
        missing[max(0, first - trace.first_index) : max(0, end - trace.first_index)] = False
    holes = np.flatnonzero(missing)
    if not len(holes):
        return 0
    hole_us = trace.last_tool_us - (len(missing) - 1 - int(holes[-1])) * trace.period_us
    whole = any(stroke.boot_id == trace.boot_id and stroke.first_us > hole_us for stroke in snapshot.strokes)
    return 0 if whole else len(holes)
