"""One file with everything for a bench without a network: firmware, images, the toolkit and what it needs.

A ZIP, laid out as a person finds it when it is unpacked:

    README.txt                       what to do with it
    bundle.json                      schema, versions, and size and SHA-256 of every other file
    firmware/main.py                 chooses the release at a tool's start
    firmware/ARCHITECTURE/…          a release for each architecture, with its release.json
    images/…                         MicroPython images, as they were given
    wheels/…                         the toolkit and all that it needs, for one platform

The same contents make the same bytes. What is read from one is checked against bundle.json as a whole first.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from iastm_host.events import Problem
from iastm_host.workbench.images import Image, read_image
from iastm_host.workbench.release import Release, read_manifest

SCHEMA = 1
MANIFEST = "bundle.json"
README = "README.txt"
SELECTOR = "firmware/main.py"
FIRMWARE, IMAGES, WHEELS = "firmware", "images", "wheels"
RELEASE = "release.json"
# Those of the boards in docs/boards.md: Pico W, Pico 2 W, ESP32-S3, ESP32-C3.
ARCHITECTURES = ("armv6m", "armv7emsp", "xtensawin", "rv32imc")
# The wheels of a bundle take some 350 MB: beyond this a file is none of ours, and may be made to fill a disk.
LARGEST_BYTES = 4 * 1024**3
_LARGEST_MANIFEST_BYTES = 4 * 1024**2
_MOST_FILES = 5000
_CHUNK_BYTES = 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
# What every file system takes; a name may not begin with a dot, so none leads out of its folder.
_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_AGAIN = "Copy it again from where it came, or make it anew: iastm bundle OUT.zip"
_TWICE = "Give each image once, and under a name of its own."

Progress = Callable[[str], None]
"""Is told the path of each file as its turn comes."""


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What a bundle says of itself. `platform` is the one of its wheels in words, "" where it has none.

    `files` is size in bytes and SHA-256 in hex of each file by its path, bundle.json apart.
    """

    toolkit_version: str
    firmware_version: str
    source_hash: str
    platform: str
    files: Mapping[str, tuple[int, str]]

    def under(self, folder: str) -> list[str]:
        """Return the paths of the files below `folder`, such as "wheels", in order."""
        return sorted(path for path in self.files if path.startswith(f"{folder}/"))


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle: `releases` of the same sources, one for each architecture; `wheels` for `platform`."""

    toolkit_version: str
    selector: bytes
    releases: Sequence[Release]
    images: Sequence[Image]
    wheels: Sequence[Path] = ()
    platform: str = ""
    readme: str = ""


@dataclass(slots=True)
class Bundle:
    """An opened bundle, verified as a whole. Its images lie in a folder of its own until it is closed."""

    path: Path
    info: BundleInfo
    images: list[Image] = field(default_factory=list)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder of its images."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def architectures(self) -> list[str]:
        """Those that it has a release for."""
        return sorted({PurePosixPath(path).parts[1] for path in self.info.under("firmware") if path != SELECTOR})

    def release(self, architecture: str) -> Release:
        """Return its firmware for `architecture`; raises Problem where it has none."""
        folder = f"{FIRMWARE}/{architecture}/"
        if architecture not in self.architectures:
            raise Problem(
                f"{self.path.name} has no firmware for {architecture or 'a board without .mpy files'}, "
                f"but for {', '.join(self.architectures)}.",
                "Leave out --bundle: the firmware is then compiled for this board.",
            )
        manifest = read_manifest(self.read(f"{folder}{RELEASE}"))
        files = {
            path.removeprefix(folder): self.read(path)
            for path in self.info.under(f"{FIRMWARE}/{architecture}")
            if path != f"{folder}{RELEASE}"
        }
        if manifest is None or manifest.architecture != architecture or manifest.files != _hashes(files):
            raise _damaged(self.path, f"its firmware for {architecture} is not what its {RELEASE} says")
        return Release(
            manifest.version,
            manifest.source_hash,
            manifest.mpy_version,
            max(data[2] & 0b11 for data in files.values()),
            architecture,
            files,
        )

    def selector_source(self) -> bytes:
        """Return the main.py that goes with its firmware."""
        return self.read(SELECTOR)

    def read(self, name: str) -> bytes:
        """Return one of its files, checked once more: the file may lie on a stick that was pulled."""
        with _archive(self.path) as archive:
            return b"".join(_checked(self.path, archive, name, self.info.files[name]))


def write_bundle(out: Path, contents: Contents, progress: Progress = lambda _: None) -> BundleInfo:
    """Write a bundle; raises Problem, and never writes over a file. Of one that can't be ended nothing is left."""
    parts: dict[str, bytes | Path] = {README: contents.readme.encode(), SELECTOR: contents.selector}
    for release in contents.releases:
        folder = f"{FIRMWARE}/{release.architecture}"
        parts[f"{folder}/{RELEASE}"] = release.manifest()
        parts.update({f"{folder}/{path}": data for path, data in release.files.items()})
    for folder, paths in ((IMAGES, [image.path for image in contents.images]), (WHEELS, contents.wheels)):
        for path in paths:
            name = f"{folder}/{path.name}"
            if name in parts:
                raise Problem(f"Two files would be called {name} in the bundle.", _TWICE)
            parts[name] = path
    for name in parts:
        if not _is_safe(name):
            raise Problem(
                f"{name!r} is no name for a file in a bundle.", "Rename it: letters, digits and . _ + - only."
            )
    info = BundleInfo(
        contents.toolkit_version,
        contents.releases[0].version,
        contents.releases[0].source_hash,
        contents.platform,
        {name: _size_and_hash(part) for name, part in sorted(parts.items())},
    )
    _write(out, info, parts, progress)
    return info


def _write(out: Path, info: BundleInfo, parts: Mapping[str, bytes | Path], progress: Progress) -> None:
    try:
        stream = out.open("xb")
    except FileExistsError as error:
        raise Problem(f"{out} is there already.", "Name another file, or remove that one first.") from error
    except OSError as error:
        raise Problem(f"{out} can't be written: {error.strerror or error}.", "Name another place.") from error
    try:
        with stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, MANIFEST, _as_json(info))
            for name, part in sorted(parts.items()):
                progress(name)
                _add(archive, name, part)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


def _add(archive: zipfile.ZipFile, name: str, part: bytes | Path) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    # A wheel is a ZIP itself, and gains nothing.
    entry.compress_type = zipfile.ZIP_STORED if name.startswith(f"{WHEELS}/") else zipfile.ZIP_DEFLATED
    if isinstance(part, bytes):
        archive.writestr(entry, part)
        return
    entry.file_size = part.stat().st_size
    with part.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, _CHUNK_BYTES)


def _as_json(info: BundleInfo) -> bytes:
    document = {
        "schema": SCHEMA,
        "toolkit_version": info.toolkit_version,
        "firmware_version": info.firmware_version,
        "source_hash": info.source_hash,
        "platform": info.platform,
        "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest) in info.files.items()},
    }
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def open_bundle(path: Path) -> Bundle:
    """Open a bundle and verify everything in it, images too; raises Problem. Use it with `with`."""
    with _archive(path) as archive:
        entries = _entries(path, archive)
        info = _info(path, archive, entries)
        folder = tempfile.TemporaryDirectory(prefix="iastm-bundle-")
        try:
            images = _verified(path, archive, info, Path(folder.name))
        except BaseException:
            folder.cleanup()
            raise
    return Bundle(path, info, images, folder)


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by name, none of which leads out of it, is named twice or too large."""
    entries: dict[str, zipfile.ZipInfo] = {}
    if len(archive.infolist()) > _MOST_FILES:
        raise _damaged(path, f"it names {len(archive.infolist())} files")
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        if not _is_safe(entry.filename):
            raise _damaged(path, f"a name in it is none of ours: {entry.filename!r}")
        if entry.filename in entries:
            raise _damaged(path, f"it has two files {entry.filename}")
        if entry.flag_bits & 0x1:
            raise _damaged(path, "it is encrypted")
        entries[entry.filename] = entry
    if sum(entry.file_size for entry in entries.values()) > LARGEST_BYTES:
        raise _damaged(path, "unpacked it would take more than any bundle does")
    return entries


def _info(path: Path, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> BundleInfo:
    entry = entries.get(MANIFEST)
    if entry is None:
        raise Problem(f"{path.name} is no bundle of iastm bundle: it has no {MANIFEST}.", _AGAIN)
    if entry.file_size > _LARGEST_MANIFEST_BYTES:
        raise _damaged(path, f"its {MANIFEST} is too large")
    data = b"".join(_chunks(path, archive, MANIFEST, entry.file_size))
    try:
        document = json.loads(data)
        schema = document["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"its {MANIFEST} can't be read") from error
    if schema != SCHEMA:
        raise Problem(
            f"{path.name} is a bundle of schema {schema!r}; this toolkit reads {SCHEMA}.",
            "Make it anew with this toolkit, or use the toolkit that lies in it: see its README.txt.",
        )
    info = _info_of(document)
    if info is None:
        raise _damaged(path, f"its {MANIFEST} can't be read")
    for missing in sorted(info.files.keys() - entries.keys()):
        raise _damaged(path, f"{missing} is missing")
    for unknown in sorted(entries.keys() - info.files.keys() - {MANIFEST}):
        raise _damaged(path, f"{unknown} is not named in its {MANIFEST}")
    for name, (size, _) in info.files.items():
        if entries[name].file_size != size:
            raise _damaged(path, f"{name} has another size")
    return info


def _info_of(document: dict[str, Any]) -> BundleInfo | None:
    """Return what bundle.json says, None where a part is missing or of another kind."""
    words = [str(document.get(key, "")) for key in ("toolkit_version", "firmware_version", "source_hash", "platform")]
    files = document.get("files")
    if not isinstance(files, dict) or not {README, SELECTOR} <= files.keys():
        return None
    known: dict[str, tuple[int, str]] = {}
    for name, facts in files.items():
        size, digest = (facts.get("bytes"), facts.get("sha256")) if isinstance(facts, dict) else (None, None)
        if type(size) is not int or size < 0 or not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            return None
        known[name] = (size, digest)
    toolkit_version, firmware_version, source_hash, platform = words
    return BundleInfo(toolkit_version, firmware_version, source_hash, platform, known)


def _verified(path: Path, archive: zipfile.ZipFile, info: BundleInfo, folder: Path) -> list[Image]:
    """Read every file to its end against its hash; return the images, unpacked into `folder`."""
    images = []
    for name, facts in info.files.items():
        if not name.startswith(f"{IMAGES}/"):
            for _ in _checked(path, archive, name, facts):
                pass
            continue
        image = folder / PurePosixPath(name).name
        with image.open("wb") as stream:
            stream.writelines(_checked(path, archive, name, facts))
        images.append(read_image(image))
    return images


def _checked(path: Path, archive: zipfile.ZipFile, name: str, facts: tuple[int, str]) -> Iterator[bytes]:
    """Yield a file of an archive; raises Problem at its end at the latest where it is not what bundle.json says."""
    size, expected = facts
    digest = hashlib.sha256()
    for chunk in _chunks(path, archive, name, size):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != expected:
        raise _damaged(path, f"{name} is damaged")


def _chunks(path: Path, archive: zipfile.ZipFile, name: str, size: int) -> Iterator[bytes]:
    """Yield a file of `size` bytes; what its directory states is a promise, and its data may be more."""
    done = 0
    try:
        with archive.open(name) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                done += len(chunk)
                if done > size:
                    raise _damaged(path, f"{name} has another size")
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, f"{name} is damaged") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if done != size:
        raise _damaged(path, f"{name} has another size")


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise _damaged(path, "it is no ZIP file, or was cut off") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _is_safe(name: str) -> bool:
    parts = name.split("/")
    return all(_SAFE_PART.fullmatch(part) for part in parts)


def _size_and_hash(part: bytes | Path) -> tuple[int, str]:
    if isinstance(part, bytes):
        return len(part), hashlib.sha256(part).hexdigest()
    with part.open("rb") as stream:
        return part.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()


def _hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def _damaged(path: Path, why: str) -> Problem:
    return Problem(f"{path.name} is no whole bundle: {why}.", _AGAIN)


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(f"{path} can't be read: {error.strerror or error}.", "Give the path of a file of iastm bundle.")
