"""What is deployed: the firmware's sources, and a release compiled from them for one architecture."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.transports.runtime import package_folder

SCHEMA = 1
PACKAGES = ("iastm_protocol", "iastm_firmware")
# What tells the running firmware which sources it was made from (iastm_firmware/built.py).
BUILT = "iastm_firmware/built.py"
_SELECTOR = "main.py"
# Where a wheel, which has no folder firmware_micropython, keeps it.
_SELECTOR_IN_WHEEL = "board_main.py"
_SHA256_HEX = 64


@dataclass(frozen=True, slots=True)
class Release:
    """The firmware, compiled: `files` are bytes by their path in a place, such as "iastm_firmware/app.mpy".

    `mpy_version` and `mpy_sub_version` are those of MicroPython's .mpy files; the second binds native code alone.
    `architecture` is one of board_state.ARCHITECTURES, `source_hash` 16 hex digits.
    """

    version: str
    source_hash: str
    mpy_version: int
    mpy_sub_version: int
    architecture: str
    files: Mapping[str, bytes]

    @property
    def id(self) -> str:
        """The name of this release: equal where version and sources are."""
        return f"{self.version}+{self.source_hash}"

    @property
    def total_bytes(self) -> int:
        """What its files take, in bytes, without what a file system adds."""
        return sum(len(data) for data in self.files.values())

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each file, in hex."""
        return {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}

    def manifest(self) -> bytes:
        """Return release.json, which is written last: a place without it is never started.

        It begins with what the selector reads of it, which MicroPython can run this.
        """
        document = {
            "mpy_version": self.mpy_version,
            "mpy_sub_version": self.mpy_sub_version,
            "architecture": self.architecture,
            "schema": SCHEMA,
            "id": self.id,
            "version": self.version,
            "source_hash": self.source_hash,
            "files": dict(sorted(self.hashes().items())),
        }
        return json.dumps(document, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release.json as it was read: `files` are the SHA-256 in hex by path."""

    id: str
    version: str
    source_hash: str
    mpy_version: int
    mpy_sub_version: int
    architecture: str
    files: Mapping[str, str]


def read_manifest(data: bytes) -> Manifest | None:
    """Return a release.json, None where it is none of ours or was damaged."""
    try:
        document = json.loads(data)
        if document["schema"] != SCHEMA:
            return None
        files = {str(path): str(digest) for path, digest in document["files"].items()}
        if not all(len(digest) == _SHA256_HEX for digest in files.values()):
            return None
        return Manifest(
            str(document["id"]),
            str(document["version"]),
            str(document["source_hash"]),
            int(document["mpy_version"]),
            int(document["mpy_sub_version"]),
            str(document["architecture"]),
            files,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def firmware_sources() -> dict[str, bytes]:
    """Return the sources of both packages by their path, such as "iastm_firmware/app.py", in order."""
    sources: dict[str, bytes] = {}
    for name in PACKAGES:
        folder = package_folder(name)
        for path in sorted((folder / name).rglob("*.py")):
            sources[path.relative_to(folder).as_posix()] = path.read_bytes()
    return sources


def firmware_version() -> str:
    """Return the version that the firmware's sources give themselves in hello."""
    source = (package_folder("iastm_firmware") / "iastm_firmware" / "version.py").read_text()
    found = re.search(r"\"(\d+\.\d+\.\d+[^\"]*)\"", source)
    assert found is not None, "iastm_firmware/version.py names no version"
    return found.group(1)


def selector_source() -> bytes:
    """Return main.py, which chooses at each start which release runs; raises Problem where it is missing."""
    beside = package_folder("iastm_firmware") / _SELECTOR
    for path in (Path(__file__).with_name(_SELECTOR_IN_WHEEL), beside):
        if path.is_file():
            return path.read_bytes()
    raise Problem("The firmware's main.py is missing.", "Install the toolkit again: pip install .")


def built_source(digest: str) -> bytes:
    """Return the source of built.py for a release from sources of this hash."""
    return f'"""Which sources this was made from: written by iastm deploy."""\n\nSOURCE_HASH = "{digest}"\n'.encode()


def module_path(path: str) -> str:
    """Return what a source is called once compiled."""
    return path.removesuffix(".py") + ".mpy"
