"""What a live view shows, in words and numbers: one answer for the window and the text view. Pure, no Qt.

The rule behind it: a stale, saturated or lost signal never shows a number that looks live. Words say what happened,
then what to do.
"""

from iastm_host.app.live_view.actions import Action, is_silent, sound_label
from iastm_host.app.live_view.banner import LOW_BATTERY_PERCENT, Banner, banner_of
from iastm_host.app.live_view.cursor import Cursor
from iastm_host.app.live_view.force import AXIS_HEADROOM, FORCE_STATES, LADDER_ROWS, axis_top_n, classify
from iastm_host.app.live_view.ladder import Ladder, ladder_of
from iastm_host.app.live_view.panels import Panel, about_panel, problem_panel, summary_panel
from iastm_host.app.live_view.recording import records, replays
from iastm_host.app.live_view.state import ViewState
from iastm_host.app.live_view.strip import RATE_BAND_SPM, Bar, Strip
from iastm_host.app.live_view.texts import DASH, clock_text, force_text, limit_text, size_text
from iastm_host.app.live_view.top_line import Chip
from iastm_host.app.live_view.view import LIMIT_CAPTION, LiveView, live_view

__all__ = [
    "AXIS_HEADROOM",
    "DASH",
    "FORCE_STATES",
    "LADDER_ROWS",
    "LIMIT_CAPTION",
    "LOW_BATTERY_PERCENT",
    "RATE_BAND_SPM",
    "Action",
    "Banner",
    "Bar",
    "Chip",
    "Cursor",
    "Ladder",
    "LiveView",
    "Panel",
    "Strip",
    "ViewState",
    "about_panel",
    "axis_top_n",
    "banner_of",
    "classify",
    "clock_text",
    "force_text",
    "is_silent",
    "ladder_of",
    "limit_text",
    "live_view",
    "problem_panel",
    "records",
    "replays",
    "sound_label",
    "size_text",
    "summary_panel",
]
