"""Pages as files: whole or not at all, and never over another."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from iastm_host.events import Problem


def write_new(path: Path, content: bytes) -> None:
    """Write a file that isn't there yet, whole or not at all. Raises Problem."""
    # Beside its place, because only there a name can change hands at once.
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        if path.exists():
            raise FileExistsError
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _name(part, path)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError:
        raise Problem(f"{path} is there already and stays as it is.", "Choose another name.") from None
    except OSError as refused:
        raise Problem(
            f"{path} could not be written: {refused.strerror or refused}.",
            "Choose a folder that exists, that you may write to, and that has room.",
        ) from refused


def _name(part: Path, path: Path) -> None:
    """Give a finished file its name, unless somebody else took the name meanwhile. Raises OSError."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links, such as FAT: an empty file keeps the name until the whole one takes its place.
        path.open("xb").close()
        try:
            part.replace(path)
        except OSError:
            path.unlink()
            raise
