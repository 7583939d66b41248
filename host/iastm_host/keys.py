"""Tools' keys: in the system's keyring, or, where there is none, in a file that only its user can read.

A file in the settings folder says which tools are known: {"schema": 1, "tools": {serial: {"kept": "keyring"} or
{"kept": "file", "key": hex}}}. Keys are 32 bytes by the tool's serial number.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

from iastm_host.events import Problem

log = logging.getLogger(__name__)

FILE_NAME = "tool-keys.json"
SERVICE = "iastm tool key"
KEY_BYTES = 32
_SCHEMA = 1
_KEYRING = "keyring"
_FILE = "file"


class Keyring(Protocol):
    """What is asked of a keyring; whatever it raises means that it does not work."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return what was kept, None where nothing was."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a text."""


def system_keyring() -> Keyring | None:
    """Return the system's keyring, None where it has none."""
    import keyring
    from keyring.backends import fail

    # With several of them it tries each; the one that only fails has none.
    found = keyring.get_keyring()
    return None if isinstance(found, fail.Keyring) else found


class KeyStore:
    """The keys of one user, in `folder` and `keyring` (None: there is none)."""

    def __init__(self, folder: Path, keyring: Keyring | None) -> None:
        self._path = folder / FILE_NAME
        self._keyring = keyring

    def load(self) -> dict[str, bytes]:
        """Return the known keys by serial number; one that its keyring does not give is left out and logged.

        Raises Problem where the file can't be read.
        """
        found = {}
        for serial_number, entry in self._tools().items():
            try:
                found[serial_number] = self._key(serial_number, entry)
            except Exception as error:  # noqa: BLE001 (keyrings raise what their systems raise)
                log.warning("the key of %s can't be had: %s", serial_number, error)
        return found

    def keep(self, serial_number: str, key: bytes) -> str:
        """Keep a key in place of the one before; return where, in words. Raises Problem."""
        entry, where = self._entry(serial_number, key)
        tools = self._tools() | {serial_number: entry}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Made readable for its user alone, and whole or not at all.
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=FILE_NAME)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"schema": _SCHEMA, "tools": tools}, file, indent=1)
            Path(name).replace(self._path)
        except OSError as error:
            what = f"The key can't be kept in {self._path}: {error.strerror}."
            raise Problem(what, "Make room, or get the right to write there.") from error
        return where

    def _entry(self, serial_number: str, key: bytes) -> tuple[dict[str, str], str]:
        why = "this system has no keyring"
        if self._keyring is not None:
            try:
                self._keyring.set_password(SERVICE, serial_number, key.hex())
                return {"kept": _KEYRING}, "in the system's keyring"
            except Exception as error:  # noqa: BLE001 (keyrings raise what their systems raise)
                why = f"its keyring does not take it ({error})"
        return {"kept": _FILE, "key": key.hex()}, f"in {self._path}, which only you can read, because {why}"

    def _key(self, serial_number: str, entry: dict[str, str]) -> bytes:
        text: str | None = entry.get("key")
        if entry.get("kept") == _KEYRING:
            if self._keyring is None:
                raise ValueError("the keyring that has it is gone")
            text = self._keyring.get_password(SERVICE, serial_number)
        key = bytes.fromhex(text or "")
        if len(key) != KEY_BYTES:
            raise ValueError("it is not there any more")
        return key

    def _tools(self) -> dict[str, dict[str, str]]:
        try:
            read: Any = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(str(error)) from error
        tools = read.get("tools") if isinstance(read, dict) else None
        if not isinstance(tools, dict) or not all(isinstance(entry, dict) for entry in tools.values()):
            raise self._unreadable("it is no list of tools")
        if read.get("schema") != _SCHEMA:
            raise self._unreadable(f"it has schema {read.get('schema')}, this program knows {_SCHEMA}")
        return tools

    def _unreadable(self, why: str) -> Problem:
        return Problem(
            f"The keys of tools in {self._path} can't be read: {why}.",
            "Move the file away, then pair your tools again.",
        )
