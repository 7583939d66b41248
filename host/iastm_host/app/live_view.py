"""What a live view shows, in words and numbers: one answer for the window and the text view. Pure, no Qt.

The rule behind it: a stale, saturated or lost signal never shows a number that looks live. Words say what happened,
then what to do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from iastm_host.analysis.profiles import Profile, Tip
from iastm_host.app.snapshot import LinkView, LiveSnapshot

STALE_AFTER_US = 500_000
"""Without a new sample for longer than this a number is no longer shown as live."""
READY_AFTER_US = 3_000_000
"""Without contact for this long the last stroke's number is taken away."""
SATURATED_FOR_US = 500_000
"""A clipped sample this recent covers the number, contact or not."""
SOUND_PAUSE_US = 120_000_000
"""A pause of the sound ends by itself after this time."""
HOLD_HYSTERESIS = 0.9
"""A sustained force leaves a state downwards only below this share of its edge."""
AXIS_HEADROOM = 1.29
"""The force axis ends at this multiple of alarm, so that a stroke over alarm has room."""
RATE_BAND_SPM = (15.0, 60.0)
"""Stroke rates that are marked on the scale (0.25 to 1.0 Hz: a device's validated range; weak, never alerted on)."""
NEAR_SHARE = 0.9
"""From this share of a limit on, a bar counts as near it."""
LOW_BATTERY_PERCENT = 10
LIMIT_CAPTION = "Caution limit for skin marks (petechiae)"
DASH = "–"

FORCE_STATES = ("light", "fine", "firm", "hard", "too_hard")
"""Force states from low to high; the slot, shape and word of each stand in `LADDER_ROWS`."""
LADDER_ROWS: dict[str, tuple[str, str, str]] = {
    "light": ("bottom", "triangle_down", "Too light"),
    "fine": ("middle", "circle", "Fine"),
    "firm": ("top", "triangle_up_hollow", "Firm"),
    "hard": ("top", "triangle_up", "Hard"),
    "too_hard": ("top", "diamond", "Too hard"),
}
TECHNICAL_STATES = frozenset({"lost", "stale", "saturated", "refused", "backfilling"})
"""Ladder states in which the signal is in doubt; they carry a hatch and never a number."""


@dataclass(frozen=True, slots=True)
class ViewState:
    """What belongs to a view and not to the session; times are host microseconds, None is "not so".

    `frozen` is the snapshot at which the view was paused. `paused_contact_s` is the contact time of pauses that are
    over: the region's timer leaves it out. `ladder_state` and `contact_s` are what was shown last; a sustained force
    needs the state for its hysteresis. `cursor` counts samples back from the newest one of the frozen trace; None: no
    inspection.
    """

    frozen: LiveSnapshot | None = None
    paused_contact_s: float = 0.0
    sound_paused_until_us: int | None = None
    sound_available: bool = True
    ladder_state: str = ""
    contact_s: float = 0.0
    cursor: int | None = None

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

    def inspect(self, snapshot: LiveSnapshot) -> ViewState:
        """Return this view, standing still with a cursor at the newest stroke's peak; a second time without."""
        if self.cursor is not None:
            return replace(self, cursor=None)
        held = self.pause(snapshot)
        assert held.frozen is not None
        return replace(held, cursor=_peak_cursor(held.frozen))

    def move_cursor(self, samples: int) -> ViewState:
        """Return this view with the cursor `samples` later (negative: earlier), kept within the trace."""
        if self.cursor is None or self.frozen is None:
            return self
        oldest = max(0, len(self.frozen.trace.force_n) - 1)
        return replace(self, cursor=min(oldest, max(0, self.cursor - samples)))

    def after(self, snapshot: LiveSnapshot, ladder_state: str) -> ViewState:
        """Return this view, having shown `snapshot` with the ladder in that state.

        Contact time that shrank was counted anew (a recording began): what earlier pauses left out is forgotten.
        """
        contact_s = snapshot.exposure.contact_s
        paused_contact_s = self.paused_contact_s if contact_s >= self.contact_s else 0.0
        return replace(self, ladder_state=ladder_state, contact_s=contact_s, paused_contact_s=paused_contact_s)

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


@dataclass(frozen=True, slots=True)
class Ladder:
    """The verdict. Force states light a `slot` (top, middle, bottom) with shape, word and number; all others cover
    the ladder (`slot` is "") with an icon, a word and `sub`, and have no number.

    `technical`: the signal is in doubt. `held_text` and `progress` (0 to 1) belong to sustained techniques.
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


@dataclass(frozen=True, slots=True)
class Banner:
    """What must be acted on: kind is medium (an alert of force), technical, or notice; `flashing`: its icon does."""

    kind: str
    icon: str
    text: str
    sub: str

    @property
    def flashing(self) -> bool:
        """Whether the icon's tile flashes; the text never does."""
        return self.kind == "medium"


@dataclass(frozen=True, slots=True)
class Chip:
    """One state of the top line: icon, far word, near words, and whether it is inverse (needs to be noticed)."""

    icon: str
    word: str
    near: str = ""
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A quantity against its limit: `share` of it (1 is the limit) or None without a limit; grade is ok, near, over
    or none.
    """

    label: str
    value: str
    limit: str
    share: float | None
    grade: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Rate, count, contact time and exposure.

    `rate_spm` is None where the rate is unknown; `held` is True where the first zone shows seconds held instead.
    """

    rate_title: str
    rate_number: str
    rate_unit: str
    rate_hz_text: str
    rate_spm: float | None
    held: bool
    stroke_number: str
    stroke_notes: tuple[str, ...]
    contact: Bar
    contact_note: str
    headline: str
    headline_icon: str
    headline_grade: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """What the inspection's cursor stands on: seconds before the newest sample, and the value in words."""

    age_s: float
    force_n: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """A key, what it does, and the name of the command it stands for."""

    key: str
    label: str
    command: str


@dataclass(frozen=True, slots=True)
class LiveView:
    """All that a live view says at one moment.

    `medium` and `technical` say whether an alert of that kind lasts; `shows_force`: the present force may be shown.
    """

    title: str
    subtitle: str
    ladder: Ladder
    banner: Banner | None
    chips: tuple[Chip, ...]
    strip: Strip
    pressure_text: str
    missing_text: str
    caption: str
    cursor: Cursor | None
    actions: tuple[Action, ...]
    medium: bool
    technical: bool
    paused: bool
    shows_force: bool


def live_view(snapshot: LiveSnapshot, view: ViewState) -> LiveView:
    """Return what to show of `snapshot` in `view`."""
    ladder = ladder_of(snapshot, view)
    banner = banner_of(snapshot, view)
    return LiveView(
        title=snapshot.profile.title,
        subtitle=_subtitle(snapshot),
        ladder=ladder,
        banner=banner,
        chips=(
            _link_chip(snapshot, ladder),
            _recording_chip(snapshot),
            *_battery_chip(snapshot),
            _sound_chip(snapshot, view),
        ),
        strip=_strip(snapshot, view, ladder),
        pressure_text=_pressure_text(ladder, snapshot.tip),
        missing_text=", ".join(_missing_words(snapshot)),
        caption=LIMIT_CAPTION if snapshot.profile.warn_n > 0 else "",
        cursor=_cursor(view),
        actions=_actions(snapshot, view),
        medium=snapshot.medium_alert is not None and not snapshot.finished,
        technical=not snapshot.finished
        and snapshot.trace.last_arrived_us > 0
        and (
            ladder.state in {"lost", "stale", "saturated"} or snapshot.problem is not None or _trouble(snapshot) != ""
        ),
        paused=view.paused,
        shows_force=ladder.state in FORCE_STATES or ladder.state in {"hold", "ready", "backfilling"},
    )


# The verdict


def classify(force_n: float, profile: Profile) -> str:
    """Return the force state of `force_n` (newtons): light, fine, firm, hard or too_hard. A limit of 0 is off."""
    if profile.alarm_n > 0 and force_n > profile.alarm_n:
        return "too_hard"
    if profile.warn_n > 0 and force_n > profile.warn_n:
        return "hard"
    if force_n > profile.target_high_n:
        return "firm"
    return "fine" if force_n >= profile.target_low_n else "light"


def ladder_of(snapshot: LiveSnapshot, view: ViewState) -> Ladder:
    """Return the verdict; the first of these that holds: no stream, stale, clipped, paused, a missing piece, the
    force.
    """
    trouble = _stream_cover(snapshot)
    if trouble is not None:
        return trouble
    if _saturated(snapshot):
        return _cover("saturated", "warn", "Out of range", "Ease off, then check the tip")
    if view.paused:
        return _cover("paused", "pause", "Paused", "Space goes on. Recording and alarms still run.")
    verdict, trace = snapshot.verdict, snapshot.trace
    if snapshot.profile.technique == "hold":
        return _hold_ladder(snapshot, view)
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
        return _cover("ready", "play", "Ready", "This stroke counts when it ends")
    if verdict.last_n is None or (
        verdict.running_n is None and trace.last_tool_us - verdict.contact_end_us >= READY_AFTER_US
    ):
        return _cover("ready", "play", "Ready", "Lay the tool on the skin")
    return _lit(classify(verdict.last_n, snapshot.profile), verdict.last_n)


def _stream_cover(snapshot: LiveSnapshot) -> Ladder | None:
    link = snapshot.link
    if snapshot.finished or link.state == "ended":
        return _cover("finished", "check", "Finished", link.reason or "The run has ended")
    if link.state == "lost":
        lost_s = _seconds_since(snapshot.taken_us, link.since_us)
        return _cover("lost", "nolink", f"Link lost {lost_s:.1f} s", "Carry on: the tool warns by itself")
    if link.state == "refused":
        return _cover("refused", "nolink", "Tool refused", link.reason)
    if link.state not in {"streaming", "silent"}:
        if link.carrier == "replay":
            return _cover("no_tool", "play", "Opening the recording", link.reason)
        word = "Switch on the tool" if link.state in {"closed", "connecting"} else "Connecting"
        return _cover("no_tool", "usb", word, link.reason or "Waiting for the tool")
    newest_us = snapshot.trace.last_arrived_us or link.since_us
    silent_us = snapshot.taken_us - newest_us
    if silent_us > STALE_AFTER_US or link.state == "silent":
        return _cover("stale", "info", f"No new data {silent_us / 1e6:.1f} s", "Old number hidden")
    if snapshot.trace.last_arrived_us == 0 or len(snapshot.trace.force_n) == 0:
        return _cover("no_tool", "usb", "Connecting", "Waiting for the first sample")
    return None


def _hold_ladder(snapshot: LiveSnapshot, view: ViewState) -> Ladder:
    verdict, profile = snapshot.verdict, snapshot.profile
    steady_n = verdict.steady_n
    if verdict.running_n is None or steady_n is None or not math.isfinite(steady_n):
        return _cover("ready", "play", "Ready", "Lay the tool on the skin and press slowly")
    state = _with_hysteresis(steady_n, profile, view.ladder_state)
    if verdict.alarm_crossed and state == "hard":
        state = "too_hard"
    held_s = _held_s(snapshot)
    lit = _lit(state, steady_n)
    progress = None if not profile.region_time_s else min(1.0, held_s / profile.region_time_s)
    lit = replace(lit, held_text=f"{held_s:.0f} s", progress=progress)
    return replace(lit, state="hold", word="Hold") if state == "fine" else lit


def _with_hysteresis(force_n: float, profile: Profile, before: str) -> str:
    state, before = classify(force_n, profile), "fine" if before == "hold" else before
    if before not in FORCE_STATES or FORCE_STATES.index(state) >= FORCE_STATES.index(before):
        return state
    lenient = classify(force_n / HOLD_HYSTERESIS, profile)
    return min(before, lenient, key=FORCE_STATES.index)


def _held_s(snapshot: LiveSnapshot) -> float:
    if snapshot.verdict.running_n is None:
        return 0.0
    return _seconds_since(snapshot.trace.last_tool_us, snapshot.verdict.contact_start_us)


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


# The banner


def banner_of(snapshot: LiveSnapshot, view: ViewState) -> Banner | None:
    """Return what must be acted on first, None where there is nothing."""
    link, profile = snapshot.link, snapshot.profile
    if snapshot.problem is not None:
        return Banner("technical", "stop", snapshot.problem.what, snapshot.problem.fix)
    if snapshot.medium_alert is not None and not snapshot.finished:
        sub = "S turns the sound on" if view.sound_paused(snapshot.taken_us) else "S pauses the sound"
        return Banner("medium", "warn", _medium_text(snapshot), f"{profile.title} · {sub}")
    if link.state == "lost" and not snapshot.finished:
        return Banner("technical", "nolink", "Link lost. Carry on: the tool warns by itself.", link.reason)
    if view.paused and snapshot.verdict.running_n is not None and snapshot.verdict.warn_crossed:
        over = classify(snapshot.verdict.running_n, profile)
        word = "Too hard" if snapshot.verdict.alarm_crossed or over == "too_hard" else "Hard"
        return Banner(
            "medium", "warn", f"{word}: {force_text(snapshot.verdict.running_n)} N", "The view is paused, alarms go on"
        )
    if snapshot.zero.word and (snapshot.zero.busy or snapshot.taken_us < snapshot.zero.until_us):
        return Banner("notice", "info", snapshot.zero.word, _zero_sub(snapshot))
    trouble = _trouble(snapshot)
    if trouble:
        sub = "Not everything is in the recording" if records(snapshot) else "Nothing is recorded. R tries again."
        return Banner("technical", "warn", trouble, sub)
    if snapshot.faults:
        return Banner("technical", "warn", _sentence(snapshot.faults[0]), " · ".join(snapshot.faults[1:]))
    if snapshot.battery_percent is not None and snapshot.battery_percent <= LOW_BATTERY_PERCENT:
        return Banner("notice", "batlow", f"Battery {snapshot.battery_percent} %", "Charge after this client")
    return None


def _medium_text(snapshot: LiveSnapshot) -> str:
    alert = snapshot.medium_alert
    if alert is not None and alert.kind == "repeated":
        return f"Ease off: 3 of the last 5 over {limit_text(snapshot.profile.alarm_n)} N"
    return "Ease off"


def _zero_sub(snapshot: LiveSnapshot) -> str:
    if snapshot.zero.busy and snapshot.zero.remaining_s > 0:
        return f"{snapshot.zero.remaining_s:.1f} s left"
    return "U restores the old zero" if snapshot.zero.can_undo else ""


def records(snapshot: LiveSnapshot) -> bool:
    """Whether a recording runs."""
    return snapshot.recording is not None and snapshot.recording.path != ""


def _trouble(snapshot: LiveSnapshot) -> str:
    return "" if snapshot.recording is None else _sentence(snapshot.recording.trouble)


# The top line


def _subtitle(snapshot: LiveSnapshot) -> str:
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


# Of each state of the link: icon, word, and whether the chip is inverse.
LINK_WORDS: dict[str, tuple[str, str, bool]] = {
    "connecting": ("usb", "Connecting", False),
    "greeting": ("usb", "Connecting", False),
    "synchronising": ("sync", "Connecting", False),
    "streaming": ("link", "Live", False),
    "silent": ("info", "No data", True),
    "lost": ("nolink", "Lost", True),
    "refused": ("nolink", "Refused", True),
    "ended": ("check", "Ended", False),
    "closed": ("usb", "Connecting", False),
}


def _link_chip(snapshot: LiveSnapshot, ladder: Ladder) -> Chip:
    link: LinkView = snapshot.link
    icon, word, inverse = LINK_WORDS.get(link.state, ("info", link.state.capitalize(), False))
    if ladder.state == "stale":
        return Chip("info", "No data", "", inverse=True)
    replay = snapshot.replay
    if replay is not None and link.state == "streaming":
        pace = "as fast as it goes" if replay.speed == 0 else "" if replay.speed == 1 else f", {replay.speed:g}×"
        return Chip("play", "Replay", f"{clock_text(replay.position_s)} of {clock_text(replay.length_s)}{pace}")
    return Chip(icon, word, "", inverse)


def _recording_chip(snapshot: LiveSnapshot) -> Chip:
    recording = snapshot.recording
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


# The strip


def _strip(snapshot: LiveSnapshot, view: ViewState, ladder: Ladder) -> Strip:
    exposure, profile = snapshot.exposure, snapshot.profile
    doubtful = ladder.state in {"lost", "stale", "refused", "no_tool"}
    rate_hz = None if doubtful else snapshot.stroke_rate_hz
    held = profile.technique == "hold"
    number, unit, hertz, spm = DASH, "/min", "", None
    if held:
        number, unit = (f"{_held_s(snapshot):.0f}", "s") if ladder.held_text else (DASH, "s")
    elif rate_hz is not None and math.isfinite(rate_hz):
        spm = rate_hz * 60
        number, hertz = f"{spm:.0f}", f"{rate_hz:.2f} Hz"
    contact = _contact_bar(snapshot, view)
    peaks = _limit_bar("Peaks, 95 %", exposure.peak95_n, profile.warn_n)
    bars = (
        peaks,
        Bar("Over warn", f"{exposure.strokes_over_warn:,}", "no limit set", None, "none"),
        Bar("Dose", f"{exposure.dose_ns:.1f} N·s", "no limit set", None, "none"),
    )
    whole = exposure.complete and not (doubtful or ladder.state == "saturated")
    headline, icon, grade = _headline((peaks, contact), whole, exposure.peak95_n is not None)
    return Strip(
        rate_title="Hold" if held else "Stroke rate",
        rate_number=number,
        rate_unit=unit,
        rate_hz_text=hertz,
        rate_spm=spm,
        held=held,
        stroke_number=f"{snapshot.stroke_count:,}",
        stroke_notes=_stroke_notes(snapshot),
        contact=contact,
        contact_note="stopped" if view.paused else "",
        headline=headline,
        headline_icon=icon,
        headline_grade=grade,
        bars=bars,
    )


def _contact_bar(snapshot: LiveSnapshot, view: ViewState) -> Bar:
    shown = view.frozen if view.frozen is not None else snapshot
    contact_s = max(0.0, shown.exposure.contact_s - view.paused_contact_s)
    limit_s = snapshot.profile.region_time_s
    if not limit_s or snapshot.profile.technique == "hold":
        return Bar("Contact time", clock_text(contact_s), "", None, "none")
    share = contact_s / limit_s
    return Bar("Contact time", clock_text(contact_s), clock_text(limit_s), share, _grade(share))


def _limit_bar(label: str, value_n: float | None, limit_n: float) -> Bar:
    if value_n is None or not math.isfinite(value_n):
        return Bar(label, DASH, limit_text(limit_n), 0.0 if limit_n > 0 else None, "ok" if limit_n > 0 else "none")
    if limit_n <= 0:
        return Bar(label, f"{force_text(value_n)} N", "no limit set", None, "none")
    share = max(0.0, value_n / limit_n)
    return Bar(label, f"{force_text(value_n)} N", limit_text(limit_n), share, _grade(share))


def _grade(share: float) -> str:
    if share > 1:
        return "over"
    return "near" if share >= NEAR_SHARE else "ok"


HEADLINES = {
    "none": ("No strokes yet", "info"),
    "ok": ("Within limits", "check"),
    "near": ("Near limit", "warn"),
    "over": ("Over limit", "stop"),
    "incomplete": ("Incomplete", "sync"),
}


def _headline(bars: tuple[Bar, ...], whole: bool, begun: bool) -> tuple[str, str, str]:
    """Return word, icon and grade of the worst limit. What is over stays over, even where data is missing."""
    order = ("none", "ok", "near", "over")
    worst = max((bar.grade for bar in bars), key=order.index)
    if worst != "over" and not begun:
        worst = "none"
    elif worst != "over" and not whole:
        worst = "incomplete"
    elif worst == "none":
        worst = "ok"
    word, icon = HEADLINES[worst]
    return word, icon, worst


def _stroke_notes(snapshot: LiveSnapshot) -> tuple[str, ...]:
    notes = list(_missing_words(snapshot)) or ["No sample missing"]
    if snapshot.marker_count:
        notes.append(f"{snapshot.marker_count} marker{'s' * (snapshot.marker_count != 1)}")
    return tuple(notes)


# The chart's words


def _pressure_text(ladder: Ladder, tip: Tip | None) -> str:
    """Return the pressure of the shown force with its uncertainty (±, from the tip's area), "" where it is unknown."""
    if tip is None or tip.area_cm2 <= 0:
        return ""
    if not ladder.number:
        return DASH
    pressure_kpa = float(ladder.number) / tip.area_cm2 * 10
    uncertainty_kpa = pressure_kpa * tip.area_uncertainty_cm2 / tip.area_cm2
    return f"{pressure_kpa:.0f} ± {uncertainty_kpa:.0f} kPa"


def _missing_words(snapshot: LiveSnapshot) -> tuple[str, ...]:
    count = snapshot.missing_samples
    if count <= 0:
        return ()
    seconds = count * snapshot.trace.period_us / 1e6
    gaps = f"{snapshot.gap_count} gap{'s' * (snapshot.gap_count != 1)}"
    return (f"{seconds:.1f} s missing", f"{count:,} samples, {gaps}")


def axis_top_n(profile: Profile) -> float:
    """Return the top of the force axis in newtons; fixed for a profile, never scaled to the data."""
    highest_n = max(profile.alarm_n, profile.warn_n, profile.target_high_n)
    return AXIS_HEADROOM * highest_n if highest_n > 0 else 10.0


def _peak_cursor(snapshot: LiveSnapshot) -> int:
    trace = snapshot.trace
    for stroke in reversed(snapshot.strokes):
        back = trace.first_index + len(trace.force_n) - 1 - stroke.peak_index
        if stroke.boot_id == trace.boot_id and 0 <= back < len(trace.force_n):
            return back
    return 0


def _cursor(view: ViewState) -> Cursor | None:
    if view.cursor is None or view.frozen is None or not len(view.frozen.trace.force_n):
        return None
    trace = view.frozen.trace
    position = len(trace.force_n) - 1 - min(view.cursor, len(trace.force_n) - 1)
    age_s = (len(trace.force_n) - 1 - position) * trace.period_us / 1e6
    force_n = float(trace.force_n[position])
    if not math.isfinite(force_n):
        return Cursor(age_s, None, f"missing, {age_s:.2f} s ago")
    clipped = "at least " if trace.saturated[position] else ""
    return Cursor(age_s, force_n, f"{clipped}{force_n:.2f} N, {age_s:.2f} s ago")


def _actions(snapshot: LiveSnapshot, view: ViewState) -> tuple[Action, ...]:
    """Return what can be done now, most used first."""
    actions = [Action("Space", "Go on" if view.paused else "Pause", "pause"), Action("M", "Marker", "marker")]
    replay = snapshot.replay is not None or snapshot.link.carrier == "replay"
    if not replay:
        actions.append(Action("Z", "Zero", "zero"))
        if snapshot.zero.can_undo:
            actions.append(Action("U", "Undo zero", "undo_zero"))
        if not records(snapshot):
            actions.append(Action("R", "Record", "record"))
    else:
        actions.remove(actions[1])
    if view.sound_available:
        on = not view.sound_paused(snapshot.taken_us)
        actions.append(Action("S", "Pause sound" if on else "Sound on", "sound"))
    actions.append(Action("I", "Inspect", "inspect"))
    actions.append(Action("?", "Limits", "about"))
    return tuple(actions)


# Panels


NO_PUBLISHED_THRESHOLD = (
    "No published source gives a human scraping force or pressure at which petechiae appear. A limit here means: "
    "unusual compared with published practice, or above what the user set. It never means that marks will or will "
    "not appear."
)
WHAT_IT_IS = "A feedback and training aid. It is not a medical device."
ONE_AXIS = "The tool measures force along one axis. It does not see shear, where bruising is said to build up."
GRADES = {
    "measured": "measured, on people or on a bench",
    "measured, simulant": "measured, on a simulant",
    "survey": "survey, what clinicians said of themselves",
    "expert": "expert opinion or consensus",
    "derived": "derived by a rule of ours from published values",
    "none": "none, a placeholder of ours without a source",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A page of words over the view: title, lines of (label, text), and how it is left."""

    title: str
    rows: tuple[tuple[str, str], ...]
    foot: str


def about_panel(profile: Profile, tip: Tip | None) -> Panel:
    """Return where the limits of `profile` come from and how strong that is."""
    rows = [
        ("What it is", WHAT_IT_IS),
        ("Limits", NO_PUBLISHED_THRESHOLD),
        ("Profile", profile.title),
        (
            "Target",
            f"{limit_text(profile.target_low_n)} to {limit_text(profile.target_high_n)} N. "
            f"Evidence: {_graded(profile.target_grade)}.",
        ),
        (
            "Warn, alarm",
            f"{limit_text(profile.warn_n)} N, {limit_text(profile.alarm_n)} N. "
            f"Evidence: {_graded(profile.limits_grade)}.",
        ),
        ("Source", profile.source or "none"),
        ("Stroke rate", "15 to 60 /min is marked only: a device's validated range, not a recommendation."),
        (
            "Pressure",
            "Unknown: the tip's contact area was not given."
            if tip is None
            else f"Force over the tip's contact area, {tip.area_cm2:g} ± {tip.area_uncertainty_cm2:g} cm².",
        ),
        ("Sensor", ONE_AXIS),
    ]
    return Panel("Where the limits come from", tuple(rows), "Esc, ? or a click closes this")


def _graded(grade: str) -> str:
    return GRADES.get(grade, grade or "not stated")


def summary_panel(snapshot: LiveSnapshot) -> Panel:
    """Return what a run came to."""
    exposure = snapshot.exposure
    counts = {"warn": 0, "alarm": 0, "repeated": 0, "saturated": 0}
    for alert in snapshot.alerts:
        counts[alert.kind] = counts.get(alert.kind, 0) + 1
    alerts = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "none"
    peak = DASH if exposure.peak95_n is None else f"{force_text(exposure.peak95_n)} N"
    recording = "Not recorded"
    if snapshot.recording is not None and records(snapshot):
        recording = f"{snapshot.recording.path} ({size_text(snapshot.recording.bytes_written)})"
    rows: tuple[tuple[str, str], ...] = (
        ("Samples", f"{snapshot.samples_received:,} of {snapshot.samples_expected:,}"),
        ("Gaps", ", ".join(_missing_words(snapshot)) or "none"),
        ("Strokes", f"{snapshot.stroke_count:,}, {exposure.strokes_over_warn:,} over warn"),
        ("Peaks, 95 %", peak),
        ("Dose", f"{exposure.dose_ns:.1f} N·s"),
        ("Contact time", clock_text(exposure.contact_s)),
        ("Alerts", alerts),
        ("Recording", recording),
    )
    if snapshot.problem is not None:
        rows = (("Problem", str(snapshot.problem)), *rows)
    title = "Stopped early" if snapshot.problem is not None else "Finished" if snapshot.finished else "Ending"
    return Panel(title, rows, "Enter, Esc or a click closes the window")


def problem_panel(what: str, fix: str) -> Panel:
    """Return a problem as a page: what happened, and what to do."""
    return Panel(what, (("What to do", fix),), "Enter, Esc or a click closes the window")


# Words and numbers


def force_text(force_n: float) -> str:
    """Return newtons with one decimal, whole from 100 N on."""
    return f"{force_n:.0f}" if force_n >= 99.95 else f"{force_n:.1f}"


def limit_text(force_n: float) -> str:
    """Return a limit in newtons as short as it is exact; "off" where it is 0."""
    return f"{force_n:g}" if force_n > 0 else "off"


def clock_text(seconds: float) -> str:
    """Return seconds as m:ss, or h:mm:ss from an hour on."""
    whole = max(0, int(seconds))
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}"


def size_text(byte_count: int) -> str:
    """Return bytes in kB or MB (1000s), with a step that grows visibly while recording."""
    return f"{byte_count / 1e6:.2f} MB" if byte_count >= 1_000_000 else f"{byte_count / 1e3:.0f} kB"


def _seconds_since(now_us: int, then_us: int) -> float:
    return max(0, now_us - then_us) / 1e6


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
