"""The wheels of a bundle: the toolkit's own, and all that it needs on this platform. pip does it, and downloads."""

from __future__ import annotations

import base64
import csv
import email
import hashlib
import importlib.metadata
import io
import json
import platform
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from iastm_host.events import Problem

DISTRIBUTION = "iastm-toolkit"
# Linters and test tools are for a checkout.
_LEFT_OUT_EXTRAS = ("dev",)
# What pip notes of an installation; they are no part of a wheel.
_NOTES = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LAST_LINES = 3

Pip = Callable[[Sequence[str]], None]
"""Runs pip with these arguments; raises Problem where it fails."""


def platform_words() -> str:
    """Return for whom wheels that are fetched here will do: "CPython 3.11 on linux-x86_64"."""
    version = ".".join(map(str, sys.version_info[:2]))
    return f"{platform.python_implementation()} {version} on {sysconfig.get_platform()}"


def run_pip(arguments: Sequence[str]) -> None:
    """Run this interpreter's pip, without a question to anybody; raises Problem with what it said last."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    try:
        ran = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Problem(f"pip can't be run: {error.strerror or error}.", "Install pip, then retry.") from error
    if ran.returncode:
        lines = [line for line in ran.stderr.splitlines() if line.strip()][-_LAST_LINES:]
        raise Problem(
            f"pip could not get the wheels: {' '.join(lines) or f'it ended with {ran.returncode}'}",
            "See to the network and retry, or leave them out: --without-wheels.",
        )


def get_wheels(folder: Path, pip: Pip = run_pip, distribution: importlib.metadata.Distribution | None = None) -> None:
    """Put the toolkit's wheel and those of all that it needs, with its extras, into `folder`; raises Problem.

    Downloads what pip has not kept: the caller has asked. What is published as sources alone is built.
    """
    toolkit = distribution or importlib.metadata.distribution(DISTRIBUTION)
    source = _checkout_of(toolkit)
    if source is None:
        own = repack(toolkit, folder)
    else:
        pip(["wheel", "--no-deps", "--wheel-dir", str(folder), str(source)])
        own = next(iter(folder.glob("*.whl")))
    # The wheel's own word: an editable installation may be older than the sources that it points to.
    extras = sorted(set(_extras_of(own)) - set(_LEFT_OUT_EXTRAS))
    wanted = f"{own}[{','.join(extras)}]" if extras else str(own)
    pip(["wheel", "--prefer-binary", "--wheel-dir", str(folder), wanted])


def _extras_of(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    return [str(extra) for extra in metadata.get_all("Provides-Extra", [])]


def _checkout_of(toolkit: importlib.metadata.Distribution) -> Path | None:
    """Return the sources that an editable installation points to; None for an ordinary one."""
    noted = json.loads(toolkit.read_text("direct_url.json") or "{}")
    if not noted.get("dir_info", {}).get("editable"):
        return None
    return Path(url2pathname(unquote(urlsplit(noted["url"]).path)))


def repack(toolkit: importlib.metadata.Distribution, folder: Path) -> Path:
    """Make the wheel anew from what was installed of it, and return its path; raises Problem where files are missing.

    Layout by the packaging specification "Binary distribution format".
    """
    metadata = toolkit.metadata
    tags = [
        line.partition(":")[2].strip() for line in (toolkit.read_text("WHEEL") or "").splitlines() if "Tag:" in line
    ]
    stem = f"{metadata['Name'].replace('-', '_')}-{metadata['Version']}"
    path = folder / f"{stem}-{tags[0] if tags else 'py3-none-any'}.whl"
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(toolkit.files or (), key=str):
            if not _belongs(PurePosixPath(file)):
                continue
            try:
                data = Path(str(file.locate())).read_bytes()
            except OSError as error:
                raise Problem(
                    f"The toolkit's own file {file} can't be read: {error.strerror or error}.",
                    "Install it again: pip install --force-reinstall iastm-toolkit",
                ) from error
            archive.writestr(zipfile.ZipInfo(str(file), _EPOCH), data, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.writerow((str(file), f"sha256={digest}", len(data)))
        name = f"{stem}.dist-info/RECORD"
        rows.writerow((name, "", ""))
        archive.writestr(zipfile.ZipInfo(name, _EPOCH), record.getvalue(), zipfile.ZIP_DEFLATED)
    return path


def _belongs(file: PurePosixPath) -> bool:
    if file.is_absolute() or ".." in file.parts or "__pycache__" in file.parts:
        return False
    return not (file.parts[0].endswith(".dist-info") and file.name in _NOTES)
