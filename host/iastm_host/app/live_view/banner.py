"""The banner: what must be acted on first."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_host.app.live_view.actions import sound_label
from iastm_host.app.live_view.force import classify
from iastm_host.app.live_view.ladder import light_words, lost_for_long
from iastm_host.app.live_view.recording import recording_trouble, records, replays
from iastm_host.app.live_view.state import ViewState, has_button
from iastm_host.app.live_view.texts import force_text, head_and_detail, limit_text, sentence, worst_first
from iastm_host.app.live_view.zero_check import zero_doubt
from iastm_host.app.snapshot import LiveSnapshot
from iastm_host.tool.words import DOSE

LOW_BATTERY_PERCENT = 10
SOUND_KEY = {
    "Pause sound": "pauses the sound",
    "Sound on": "turns the sound on",
    "Silence tool": "silences the tool",
    "Tool sounds": "ends the tool's silence",
}
"""What the key of the sound does, in a sentence, by its label."""
NOTE_STAYS_US = 60_000_000
"""So long something that happened to the tool stands in the banner; after that with the strokes, and at the end."""


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


def banner_of(snapshot: LiveSnapshot, view: ViewState) -> Banner | None:
    """Return what must be acted on first, None where there is nothing."""
    link, profile = snapshot.link, snapshot.profile
    if snapshot.problem is not None:
        return Banner("technical", "stop", head_and_detail(snapshot.problem.what)[0], snapshot.problem.fix)
    if snapshot.medium_alert is not None and not snapshot.finished:
        return Banner("medium", "warn", _medium_text(snapshot), _zero_answer(snapshot) or _alert_sub(snapshot, view))
    if link.state == "lost" and not snapshot.finished and replays(snapshot):
        return Banner("technical", "nolink", "Here the link was lost", link.reason)
    if link.state == "lost" and not snapshot.finished:
        return Banner("technical", "nolink", *_lost_words(snapshot))
    if view.paused and snapshot.verdict.running_n is not None and snapshot.verdict.warn_crossed:
        over = classify(snapshot.verdict.running_n, profile)
        word = "Too hard" if snapshot.verdict.alarm_crossed or over == "too_hard" else "Hard"
        sub = _zero_answer(snapshot) or "The view is paused, alarms go on"
        return Banner("medium", "warn", f"{word}: {force_text(snapshot.verdict.running_n)} N", sub)
    if _zero_answer(snapshot):
        return Banner("notice", "info", snapshot.zero.word, _zero_sub(snapshot))
    trouble = recording_trouble(snapshot)
    if trouble:
        sub = "Not everything is in the recording" if records(snapshot) else "Nothing is recorded. R tries again."
        return Banner("technical", "warn", trouble, sub)
    doubt = zero_doubt(snapshot)
    if doubt is not None:
        return Banner("technical", "warn", *doubt)
    if snapshot.faults:
        first, *others = map(sentence, worst_first(snapshot.faults))
        head, _, detail = first.partition(": ")
        return Banner("technical", "warn", head, " · ".join(filter(None, (sentence(detail), *others))))
    news = [note for note in snapshot.notes if note.far]
    fresh = [note.words for note in news if snapshot.taken_us - note.since_us < NOTE_STAYS_US]
    if fresh and not replays(snapshot):
        head, _, detail = sentence(fresh[-1]).partition(": ")
        return Banner("notice", "info", head, " · ".join(map(sentence, filter(None, (detail, *fresh[:-1])))))
    if snapshot.battery_percent is not None and snapshot.battery_percent <= LOW_BATTERY_PERCENT:
        return Banner("notice", "batlow", f"Battery {snapshot.battery_percent} %", "Charge after this client")
    return None


def _lost_words(snapshot: LiveSnapshot) -> tuple[str, str]:
    """Return what to do without a link, and what the program does: whether the tool still runs is soon unknown."""
    reason = snapshot.link.reason
    trying = f"Trying again: {reason}" if reason else "Trying again"
    long_gone = lost_for_long(snapshot)
    if not snapshot.tool_warns:
        return "Link lost. Nothing warns now: wait for it.", trying if long_gone else reason
    if not long_gone:
        return "Link lost. Carry on: the tool warns by itself.", reason
    return "Link lost. It warned by itself when the link went.", f"{light_words(snapshot)}. {trying}"


def _medium_text(snapshot: LiveSnapshot) -> str:
    alert = snapshot.medium_alert
    if alert is not None and alert.kind == "repeated":
        return f"Ease off: 3 of the last 5 over {limit_text(snapshot.profile.alarm_n)} N"
    if alert is not None and alert.kind == DOSE:
        return "Dose reached on the tool"
    return "Ease off"


def _alert_sub(snapshot: LiveSnapshot, view: ViewState) -> str:
    told = [snapshot.profile.title]
    if snapshot.medium_alert is not None and snapshot.medium_alert.kind == DOSE:
        limit_ns = snapshot.tool_dose_limit_ns
        told = [f"{limit_ns:g} N·s over warn"] if limit_ns else []
        told += (
            []
            if replays(snapshot)
            else ["N or a double press: next region" if has_button(snapshot) else "N: next region"]
        )
    sound = sound_label(snapshot, view)
    return " · ".join((*told, f"S {SOUND_KEY[sound]}") if sound else told)


def _zero_answer(snapshot: LiveSnapshot) -> str:
    """Return what a request for a zero came to, as long as it stays; "" where there is none."""
    zero = snapshot.zero
    return zero.word if zero.busy or snapshot.taken_us < zero.until_us else ""


def _zero_sub(snapshot: LiveSnapshot) -> str:
    if snapshot.zero.busy and snapshot.zero.remaining_s > 0:
        return f"{snapshot.zero.remaining_s:.1f} s left"
    if not snapshot.zero.can_undo:
        return ""
    return "U brings the new zero back" if snapshot.zero.undone else "U restores the old zero"
