"""Technique profiles as JSON: the one module that reads and writes them.

A file is {"schema": 1, "sha256": …, "profiles": […]}. The sum is SHA-256, hexadecimal, over the UTF-8 text of
`profiles` as canonical JSON: sorted keys, no spaces, no escapes for letters outside ASCII. It tells a file that was
damaged or edited by hand from one that was written here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iastm_host.events import Problem

SCHEMA = 1
GRADES = ("measured", "derived", "survey", "expert", "none")
UNITS = ("N", "kPa")
TECHNIQUES = ("stroke", "hold")


@dataclass(frozen=True, slots=True)
class GradedNumber:
    """A number with the strength of its evidence (one of GRADES) and where it comes from, in words or as a DOI."""

    value: float
    grade: str
    source: str


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A technique profile as stored: its forces or pressures in `unit` (N or kPa), time per region in seconds."""

    key: str
    title: str
    technique: str
    unit: str
    target_low: GradedNumber
    target_high: GradedNumber
    warn: GradedNumber
    alarm: GradedNumber
    region_time_s: GradedNumber | None


def checksum(profiles: list[dict[str, Any]]) -> str:
    """Return the SHA-256 that a file with these profiles carries."""
    canonical = json.dumps(profiles, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_profiles(path: Path) -> list[StoredProfile]:
    """Return the profiles of a file. Raises Problem where it can't be read, was altered or makes no sense."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Problem(f"The profiles in {path} can't be read: {error}.", "Restore the file or install again.") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise Problem(
            f"{path} is not a profile file of schema {SCHEMA}.",
            "Use the software version that wrote it, or restore the file.",
        )
    body = document.get("profiles")
    if not isinstance(body, list) or checksum(body) != document.get("sha256"):
        raise Problem(
            f"The profiles in {path} do not match their checksum.",
            "Restore the file: limits that were changed or damaged unnoticed must not be used.",
        )
    try:
        profiles = [_profile(entry) for entry in body]
    except (KeyError, TypeError, ValueError) as error:
        raise Problem(f"A profile in {path} makes no sense: {error}.", "Restore the file or install again.") from None
    return profiles


def _profile(entry: dict[str, Any]) -> StoredProfile:
    fields = dict(entry)
    for name in ("target_low", "target_high", "warn", "alarm"):
        fields[name] = _graded(fields[name])
    if fields["region_time_s"] is not None:
        fields["region_time_s"] = _graded(fields["region_time_s"])
    profile = StoredProfile(**fields)
    if profile.unit not in UNITS or profile.technique not in TECHNIQUES:
        raise ValueError(f"{profile.key} has unit {profile.unit!r} and technique {profile.technique!r}")
    rising = 0 < profile.target_low.value < profile.target_high.value <= profile.warn.value < profile.alarm.value
    if not rising:
        raise ValueError(f"the numbers of {profile.key} do not rise from target to alarm")
    return profile


def _graded(entry: dict[str, Any]) -> GradedNumber:
    number = GradedNumber(**entry)
    if number.grade not in GRADES:
        raise ValueError(f"{number.grade!r} is no grade")
    return GradedNumber(float(number.value), number.grade, number.source)
