"""One frozen Settings: flags over environment (IASTM_…) over the settings file (TOML)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from iastm_host.events import Problem


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user chose. `recordings` "" is the platform's folder for documents; an area of 0 is unknown.

    `overshoot_sound` gives a short tick for every stroke that crosses a limit.
    """

    profile: str = "iastm-one-hand"
    theme: str = "auto"
    recordings: str = ""
    sound: bool = True
    overshoot_sound: bool = False
    tip_name: str = ""
    tip_area_cm2: float = 0.0
    tip_area_uncertainty_cm2: float = 0.0


_ENVIRONMENT = "IASTM_"
_CHOICES = {"theme": ("auto", "light", "dark", "contrast")}
_YES_NO = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of `path` (which need not exist) under those of the environment; raises Problem."""
    settings = Settings()
    for origin, values in ((str(path), _from_file(path)), ("the environment", _from_environment(environ))):
        for name, value in values.items():
            settings = _with(settings, name, value, origin)
    return settings


def with_flags(settings: Settings, flags: Mapping[str, object]) -> Settings:
    """Return `settings` with those of `flags` that are not None in their place; raises Problem."""
    for name, value in flags.items():
        if value is not None:
            settings = _with(settings, name, value, "the command line")
    return settings


def _from_file(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Problem(f"The settings file {path} can't be read: {error}.", "Mend it, or move it away.") from error


def _from_environment(environ: Mapping[str, str]) -> Mapping[str, object]:
    names = [field.name for field in fields(Settings)]
    return {name: environ[key] for name in names if (key := _ENVIRONMENT + name.upper()) in environ}


def _with(settings: Settings, name: str, value: object, origin: str) -> Settings:
    known = {field.name for field in fields(Settings)}
    if name not in known:
        raise Problem(f"{origin} sets {name}, which is no setting.", f"Settings: {', '.join(sorted(known))}.")
    present = getattr(settings, name)
    try:
        made = _converted(value, present)
    except (ValueError, KeyError) as error:
        raise Problem(
            f"{origin} sets {name} to {value!r}, which is no {type(present).__name__}.", f"An example: {present!r}."
        ) from error
    choices = _CHOICES.get(name)
    if choices is not None and made not in choices:
        raise Problem(f"{origin} sets {name} to {made}, which is none.", f"Choose one of {', '.join(choices)}.")
    return replace(settings, **{name: made})


def _converted(value: object, like: object) -> Any:
    if isinstance(like, bool):
        return value if isinstance(value, bool) else _YES_NO[str(value).lower()]
    if isinstance(like, float):
        number = float(str(value))
        if not 0 <= number < float("inf"):
            raise ValueError(value)
        return number
    if not isinstance(value, str):
        raise ValueError(value)
    return value
