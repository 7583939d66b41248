"""All that a live view says at one moment, put together."""

from __future__ import annotations

from dataclasses import dataclass

from iastm_host.analysis.pressure import pressure
from iastm_host.analysis.profiles import Tip
from iastm_host.app.live_view.actions import Action, actions_of
from iastm_host.app.live_view.angle import angle_deg, angle_text
from iastm_host.app.live_view.banner import Banner, banner_of
from iastm_host.app.live_view.cursor import Cursor, cursor_at
from iastm_host.app.live_view.force import FORCE_STATES
from iastm_host.app.live_view.ladder import Ladder, ladder_of
from iastm_host.app.live_view.recording import recording_trouble
from iastm_host.app.live_view.state import ViewState
from iastm_host.app.live_view.strip import Strip, strip_of
from iastm_host.app.live_view.texts import DASH, awaited_words, missing_words
from iastm_host.app.live_view.top_line import Chip, chips_of, subtitle_of
from iastm_host.app.snapshot import LiveSnapshot

LIMIT_CAPTION = "Caution limit for skin marks (petechiae)"


@dataclass(frozen=True, slots=True)
class LiveView:
    """All that a live view says at one moment.

    `angle_text` says how the tool is held, "" where it has no sensor for it. `medium` and `technical` say whether an
    alert of that kind lasts; `shows_force`: the present force may be shown.
    """

    title: str
    subtitle: str
    ladder: Ladder
    banner: Banner | None
    chips: tuple[Chip, ...]
    strip: Strip
    pressure_text: str
    angle_text: str
    angle_deg: int | None
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
        title=snapshot.profile.title + (f" · Region {snapshot.region}" if snapshot.region > 1 else ""),
        subtitle=subtitle_of(snapshot),
        ladder=ladder,
        banner=banner,
        chips=chips_of(snapshot, view, ladder),
        strip=strip_of(snapshot, view, ladder),
        pressure_text=_pressure_text(ladder, snapshot.tip),
        angle_text=angle_text(snapshot, view),
        angle_deg=angle_deg(snapshot, view),
        missing_text=", ".join(filter(None, (awaited_words(snapshot), *missing_words(snapshot)))),
        caption=LIMIT_CAPTION if snapshot.profile.warn_n > 0 else "",
        cursor=None if view.cursor is None or view.frozen is None else cursor_at(view.frozen.trace, view.cursor),
        actions=actions_of(snapshot, view),
        medium=snapshot.medium_alert is not None and not snapshot.finished,
        technical=not snapshot.finished
        and snapshot.trace.last_arrived_us > 0
        and (
            ladder.state in {"lost", "stale", "saturated", "no_force"}
            or snapshot.problem is not None
            or recording_trouble(snapshot) != ""
        ),
        paused=view.paused,
        shows_force=ladder.state in FORCE_STATES or ladder.state in {"hold", "ready", "no_zero", "backfilling"},
    )


def _pressure_text(ladder: Ladder, tip: Tip | None) -> str:
    """Return the pressure of the shown force with its uncertainty (±, from the tip's area), "" where it is unknown.

    An uncertainty of 0 was not stated: nobody measures an area without one.
    """
    found = pressure(float(ladder.number) if ladder.number else 0.0, tip)
    if tip is None or found is None:
        return ""
    if not ladder.number:
        return DASH
    if not tip.area_uncertainty_cm2 > 0:
        return f"{found.kpa:.0f} kPa, ± not stated"
    return f"{found.kpa:.0f} ± {found.uncertainty_kpa:.0f} kPa"
