"""The colours of pages by role, light (and print) and dark."""

from __future__ import annotations

from iastm_host.reports.drawing import Role

LIGHT: dict[Role, str] = {
    "ink": "#10161B",
    "text": "#3F4B55",
    "faint": "#58656F",
    "line": "#C3CCD4",
    "band": "#DDE5EB",
    "paper": "#FFFFFF",
    "alarm": "#B93200",
}
DARK: dict[Role, str] = {
    "ink": "#F3F6F8",
    "text": "#BAC5CE",
    "faint": "#93A0AB",
    "line": "#3B4752",
    "band": "#25303A",
    "paper": "#161C22",
    "alarm": "#F4511E",
}
