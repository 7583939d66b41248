"""Technique profiles, tips and contact levels."""

from __future__ import annotations

from dataclasses import dataclass


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
