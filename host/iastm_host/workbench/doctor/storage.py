"""Where recordings, settings and keys go: rights, room, and the time of day that stands in them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.qt import install
from iastm_host.workbench.doctor.system import LINUX, MACOS, WINDOWS, System

LEAST_FREE_BYTES = 500_000_000
"""Some days of recording; below it other programs fail as well."""
LEAST_YEAR, LAST_YEAR = 2026, 2099
"""Before the first it is a clock without a battery; after the last it was set wrongly."""
KEYS_FILE = "tool-keys.json"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


NOT_KNOWN = advice("not known: the settings can't be read", "See what is said of the settings.")
"""What checks say that wait for the settings: why they can't be read is told once, by `settings`."""


def settings(system: System) -> Seen:
    """The settings can be read: where not, no run starts."""
    path = system.user().config / "settings.toml"
    return good(str(path) if system.there(path) else f"none are kept, defaults hold ({path})")


def recordings(system: System) -> Seen:
    """The folder for recordings can be written to, and there is room."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    folder = user.recordings
    elsewhere = f'{user.config / "settings.toml"}: recordings = "/a/folder/with/room"'
    stands = standing(system, folder)
    if not stands.is_dir():
        return advice(
            f"{stands} is a file, where a folder should be",
            f"Move it away: mv {_q(system, stands)} {_q(system, stands)}.old",
        )
    if system.read_only(stands):
        return advice(f"{folder} lies on a disk that can only be read", f"In {elsewhere}")
    if not system.may(stands, os.W_OK | os.X_OK):
        return advice(f"{folder} can't be written to", _let_write(system, stands))
    free_bytes = system.free_bytes(stands)
    if free_bytes < LEAST_FREE_BYTES:
        return advice(
            f"{folder}: {_megabytes(free_bytes)} MB free, under {_megabytes(LEAST_FREE_BYTES)}",
            f"Make room; or in {elsewhere}",
        )
    return good(f"{folder}: {_megabytes(free_bytes):,} MB free")


def own_folders(system: System) -> Seen:
    """What the toolkit keeps can be read, without which no run starts, and written."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    unread = [
        path for path in (user.data, user.config) if system.there(path) and not system.may(path, os.R_OK | os.X_OK)
    ]
    if unread:
        return bad(f"{_listed(unread)} can't be read", "\n".join(_let_write(system, path) for path in unread))
    closed = [path for path in (user.data, user.config) if not system.may(standing(system, path), os.W_OK | os.X_OK)]
    if closed:
        fix = "\n".join(dict.fromkeys(_let_write(system, standing(system, path)) for path in closed))
        return advice(f"{_listed(closed)} can't be written to: calibrations, keys and logs are lost", fix)
    return good(_listed([user.data, user.config]))


def _listed(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in dict.fromkeys(paths))


def _let_write(system: System, path: Path) -> str:
    if system.platform == WINDOWS:
        return f'icacls "{path}" /grant "%USERNAME%:(OI)(CI)M"'
    return f"sudo chown {system.quoted(system.login.user)} {_q(system, path)} && chmod u+rwx {_q(system, path)}"


def _q(system: System, path: Path) -> str:
    return system.quoted(str(path))


def _megabytes(count_bytes: int) -> int:
    return count_bytes // 1_000_000


def standing(system: System, path: Path) -> Path:
    """Return the nearest of a path and its parents that is there."""
    return next((each for each in (path, *path.parents) if system.there(each)), path)


def clock(system: System) -> Seen:
    """The time of day is not plainly wrong: it stands in recordings and calibrations."""
    now = system.now()
    said = now.strftime("%Y-%m-%d %H:%M %z")
    if LEAST_YEAR <= now.year <= LAST_YEAR:
        return good(said)
    fix = {
        LINUX: "sudo timedatectl set-ntp true   or without a network: sudo date -s 'YYYY-MM-DD HH:MM'",
        MACOS: "sudo sntp -sS time.apple.com",
    }.get(system.platform, "In PowerShell, as administrator: w32tm /resync")
    return advice(f"{said}: recordings and calibrations would carry that date", fix)


def keyring(system: System) -> Seen:
    """Keys of Bluetooth tools lie in the system's keyring, or in a file that nobody else can read."""
    user = system.user_if_known()
    if user is None:
        return NOT_KNOWN
    path = user.config / KEYS_FILE
    if system.there(path):
        try:
            read: Any = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            read = None
        except OSError as error:
            return advice(f"{path} can't be read: {error.strerror}", _let_write(system, path))
        if not isinstance(read, dict):
            away = (
                f"mv {_q(system, path)} {_q(system, path)}.old" if system.platform != WINDOWS else f'ren "{path}" *.old'
            )
            return advice(f"{path} is damaged: no Bluetooth tool obeys", f"{away}\nThen pair your tools again.")
        if system.platform != WINDOWS and path.stat().st_mode & _OTHERS:
            return advice(f"others on this computer may read the keys in {path}", f"chmod 600 {_q(system, path)}")
    found = system.keyring()
    if found is not None:
        return good(found)
    fix = "Install one, log out and in again: "
    return advice(
        f"none: keys of Bluetooth tools are kept in {path}, which only you can read",
        install(system, "gnome-keyring") + "\nthen log out and in again."
        if system.platform == LINUX
        else f"{fix}it belongs to this system; look why it does not answer with: python -m keyring --list-backends",
    )
