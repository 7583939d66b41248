"""Words for times, links, versions and days; numbers with their unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from iastm_host.app.tools_page.page import FAIR, GOOD, OPEN

DASH = "–"
UNKNOWN = "Unknown"
# Not the system's: a name of a month must not change with the language that Qt sets.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LINKS = {"serial": "Cable", "ble": "Bluetooth", "simulated": "Simulated"}
_USB_PORTS = ("/dev/ttyACM", "/dev/ttyUSB", "/dev/cu.", "COM")
_ICONS = {"serial": "usb", "ble": "link"}

UP_TO_DATE, OLDER, NEWER, OTHER = "Up to date", "Older", "Newer", "Another build"


@dataclass(frozen=True, slots=True)
class HostFirmware:
    """What this computer would deploy: version, hash of the sources (16 hex digits), protocol."""

    version: str
    source_hash: str
    protocol: str


def day_words(day: date, today: date) -> str:
    """Return a day as it is said, without the year where it is this one."""
    said = f"{day.day} {_MONTHS[day.month - 1]}"
    return said if day.year == today.year else f"{said} {day.year}"


def moment_words(moment: datetime, now: datetime) -> str:
    """Return a moment by the clock on this wall: Today, 17:40."""
    local = moment.astimezone(now.tzinfo)
    days = (now.date() - local.date()).days
    day = {0: "Today", 1: "Yesterday"}.get(days) or day_words(local.date(), now.date())
    return f"{day}, {local:%H:%M}"


def days_words(days: int) -> str:
    """Return a number of days: today, 1 day, 12 days."""
    return "today" if days == 0 else "1 day" if days == 1 else f"{days:,} days"


def age_words(made: date, today: date) -> str:
    """Return how old something is: made today, 12 days old."""
    days = (today - made).days
    return "made today" if days <= 0 else f"{days_words(days)} old"


def due_words(last_day: date, today: date) -> str:
    """Return when a calibration is due: Due in 12 days; its last day counts as good."""
    days = (last_day - today).days
    if days < 0:
        return f"Expired {days_words(-days)} ago"
    return "Due today" if days == 0 else f"Due in {days_words(days)}"


def link_words(carrier: str, address: str = "") -> str:
    """Return what carries a tool's bytes."""
    if carrier == "serial" and address.startswith(_USB_PORTS):
        return "USB"
    return _LINKS.get(carrier, UNKNOWN)


def link_icon(carrier: str) -> str:
    """Return the icon of a link, "" where there is none."""
    return _ICONS.get(carrier, "")


def battery_words(percent: int | None) -> str:
    """Return a battery's charge."""
    return DASH if percent is None else f"{percent} %"


def firmware_words(version: str, source_hash: str, ours: HostFirmware) -> str:
    """Return how a tool's firmware stands to this computer's: by its sources, then by its version."""
    if not source_hash.strip("0"):
        return UNKNOWN
    if source_hash == ours.source_hash:
        return UP_TO_DATE
    theirs, own = _numbers(version), _numbers(ours.version)
    if theirs is None or own is None:
        return UNKNOWN
    return OTHER if theirs == own else OLDER if theirs < own else NEWER


def firmware_mark(words: str) -> str:
    """Return the mark of a verdict on firmware."""
    return {UP_TO_DATE: GOOD, UNKNOWN: OPEN}.get(words, FAIR)


def _numbers(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else None
