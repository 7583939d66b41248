"""Technique profiles, tips and contact levels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from iastm_host.analysis.profile_file import StoredProfile, read_profiles
from iastm_host.events import Problem


@dataclass(frozen=True, slots=True)
class Profile:
    """A technique's target band and limits in newtons; grades say how strong the evidence is.

    `technique` is "stroke" or "hold". `region_time_s` is the time per region, None where none is stated.
    """

    key: str
    title: str
    technique: str
    target_low_n: float
    target_high_n: float
    warn_n: float
    alarm_n: float
    region_time_s: float | None
    target_grade: str
    limits_grade: str
    source: str


@dataclass(frozen=True, slots=True)
class Tip:
    """The edge in contact: contact area in cm² with its uncertainty (±)."""

    name: str
    area_cm2: float
    area_uncertainty_cm2: float


@dataclass(frozen=True, slots=True)
class Contact:
    """When the tool touches: from above `on_n` until below `off_n`, for at least `min_s`."""

    on_n: float = 0.8
    off_n: float = 0.52
    min_s: float = 0.15


DEFAULT_PROFILE_KEY = "iastm-one-hand"
# 1 N/cm² is 10 kPa.
KPA_PER_N_PER_CM2 = 10.0


@cache
def _shipped() -> tuple[StoredProfile, ...]:
    return tuple(read_profiles(Path(__file__).with_name("default_profiles.json")))


def stored_profile(key: str) -> StoredProfile:
    """Return a shipped profile with the grade and source of each number. Raises Problem where there is none."""
    for stored in _shipped():
        if stored.key == key:
            return stored
    keys = ", ".join(stored.key for stored in _shipped())
    raise Problem(f"There is no technique profile {key!r}.", f"Choose one of {keys}.")


def offered_profiles(tip: Tip | None) -> list[Profile]:
    """Return the shipped profiles that can be used with this tip: those in kPa only where its area is known."""
    return [profile_for(stored.key, tip) for stored in _shipped() if stored.unit == "N" or _has_area(tip)]


def profile_for(key: str, tip: Tip | None) -> Profile:
    """Return a shipped profile in newtons. Raises Problem for an unknown key, or one in kPa without a tip's area."""
    stored = stored_profile(key)
    newtons = 1.0
    if stored.unit == "kPa":
        if tip is None or not _has_area(tip):
            raise Problem(
                f"{stored.title} is given as a pressure, and the contact area of the tip is unknown.",
                "Choose a tip whose area was measured, or a profile in newtons: "
                f"{', '.join(profile.key for profile in offered_profiles(tip))}.",
            )
        newtons = tip.area_cm2 / KPA_PER_N_PER_CM2
    numbers = (stored.target_low, stored.target_high, stored.warn, stored.alarm)
    return Profile(
        key=stored.key,
        title=stored.title,
        technique=stored.technique,
        target_low_n=stored.target_low.value * newtons,
        target_high_n=stored.target_high.value * newtons,
        warn_n=stored.warn.value * newtons,
        alarm_n=stored.alarm.value * newtons,
        region_time_s=None if stored.region_time_s is None else stored.region_time_s.value,
        target_grade=_one_word(stored.target_low.grade, stored.target_high.grade),
        limits_grade=_one_word(stored.warn.grade, stored.alarm.grade),
        source="; ".join(dict.fromkeys(number.source for number in numbers)),
    )


def without_limits(key: str, title: str) -> Profile:
    """Return a profile that never warns, for loads that no skin feels."""
    never = math.inf
    return Profile(key, title, "hold", 0.0, never, never, never, None, "none", "none", "no client is treated")


def _has_area(tip: Tip | None) -> bool:
    return tip is not None and tip.area_cm2 > 0


def _one_word(low_grade: str, high_grade: str) -> str:
    """Return the grade of a pair of numbers: the weaker one, saying which end is the stronger."""
    if low_grade == high_grade:
        return low_grade
    if low_grade == "none":
        return f"{high_grade} upper edge"
    if high_grade == "none":
        return f"{low_grade} lower edge"
    return f"{low_grade} to {high_grade}"
