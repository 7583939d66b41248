from __future__ import annotations

import hashlib
import ssl
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http.client import IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from tests.host.workbench.image_files import ESP32_C3, esp_file, uf2_file

from iastm_host.events import Problem
from iastm_host.workbench import download
from iastm_host.workbench.boards import KINDS
from iastm_host.workbench.download import Response, cached_image, fetch_image, image_url, opener_for, page_url
from iastm_host.workbench.images import read_image

NAME = "RPI_PICO2_W-20260824-v1.29.0.uf2"
IMAGE = uf2_file(b"MicroPython v1.29.0 on 2026-08-24" * 40)


@dataclass
class Server:
    """Answers each path with status, header and bytes."""

    url: str = ""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def gives(self, name: str, data: bytes, status: int = 200, length: int | None = None, **header: str) -> str:
        """Answer `name` so from now on, and return its URL; `length` is what the header says."""
        told = {"Content-Length": str(len(data) if length is None else length), **header}
        self.answers[f"/{name}"] = (status, told, data)
        return f"{self.url}/{name}"


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            status, header, data = served.answers[self.path]
            self.send_response(status)
            for name, value in header.items():
                if value != "-1":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        served.url = f"http://127.0.0.1:{web.server_port}"
        yield served
        web.shutdown()
        thread.join()


def _fetch(url: str, folder: Path, known: dict[str, str] | None = None) -> Path:
    return fetch_image(url, folder, opener=opener_for("http"), known=known or {})


def _nothing_is_left(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


def test_an_image_is_fetched_whole_checked_and_kept_under_its_name(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = tmp_path / "cache" / "images"
    url = server.gives(NAME, IMAGE)
    path = fetch_image(url, folder, lambda done, total: told.append((done, total)), opener_for("http"), {})
    assert path == folder / NAME
    assert path.read_bytes() == IMAGE
    assert told[-1] == (len(IMAGE), len(IMAGE))
    assert list(folder.iterdir()) == [path]


def test_what_was_fetched_once_needs_no_second_time(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE)
    assert cached_image(url, tmp_path, {}) is None
    path = _fetch(url, tmp_path)
    assert cached_image(url, tmp_path, {}) == path
    assert server.asked == [f"/{NAME}"]


def test_what_was_damaged_since_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE)
    _fetch(url, tmp_path).write_bytes(IMAGE[:-512])
    assert cached_image(url, tmp_path, {}) is None
    assert _fetch(url, tmp_path).read_bytes() == IMAGE


def test_a_server_that_has_no_such_file_is_told_with_its_answer(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, b"gone", status=404)
    with pytest.raises(Problem, match=f"has no {NAME}: it says 404 Not Found") as refused:
        _fetch(url, tmp_path)
    assert "--image" in refused.value.fix
    assert _nothing_is_left(tmp_path)


def test_an_image_that_is_cut_in_the_middle_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE[: len(IMAGE) // 2], length=len(IMAGE))
    with pytest.raises(Problem, match=rf"in part only: {len(IMAGE) // 2} of {len(IMAGE)} bytes"):
        _fetch(url, tmp_path)
    assert _nothing_is_left(tmp_path)


def test_a_cut_that_the_server_does_not_tell_is_found_in_the_image(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE[: len(IMAGE) // 2], length=-1)
    with pytest.raises(Problem, match="torn"):
        _fetch(url, tmp_path)
    assert _nothing_is_left(tmp_path)


def test_a_login_page_instead_of_an_image_is_named_as_one(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, b"<!DOCTYPE html><title>Guest network</title>")
    with pytest.raises(Problem, match="is no image of firmware, but a web page"):
        _fetch(url, tmp_path)
    assert _nothing_is_left(tmp_path)


def test_a_file_that_is_too_large_is_not_fetched_to_its_end(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE, length=download.LARGEST_BYTES + 1)
    with pytest.raises(Problem, match="too large"):
        _fetch(url, tmp_path)
    assert _nothing_is_left(tmp_path)


def test_another_file_than_others_were_given_is_refused(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE)
    known = {NAME: hashlib.sha256(b"another").hexdigest()}
    with pytest.raises(Problem, match="another file than others were given under this name"):
        _fetch(url, tmp_path, known)
    assert _nothing_is_left(tmp_path)
    assert _fetch(url, tmp_path, {NAME: hashlib.sha256(IMAGE).hexdigest()}).is_file()


def test_without_a_network_nothing_hangs_and_the_words_say_so(tmp_path: Path) -> None:
    # A name that no server resolves, by the standard for such names.
    with pytest.raises(Problem, match=r"can't be fetched: its server is not found; is there a network\?") as refused:
        _fetch(f"http://firmware.invalid/{NAME}", tmp_path)
    assert "--image" in refused.value.fix
    assert _nothing_is_left(tmp_path)


def test_a_server_that_refuses_the_connection_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="Connection refused"):
        _fetch(f"http://127.0.0.1:1/{NAME}", tmp_path)


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    def silent(_url: str, _timeout_s: float) -> AbstractContextManager[Response]:
        raise urllib.error.URLError(TimeoutError())

    with pytest.raises(Problem, match="its server does not answer"):
        fetch_image(f"https://micropython.org/{NAME}", tmp_path, opener=silent)


def test_what_is_not_sent_over_tls_is_not_fetched(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE)
    with pytest.raises(Problem, match="it is no https"):
        fetch_image(url, tmp_path)
    assert server.asked == []


def test_a_server_that_leads_away_from_tls_is_not_followed(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, b"", status=302, Location="ftp://127.0.0.1/elsewhere.uf2")
    with pytest.raises(Problem, match="which is no http"):
        _fetch(url, tmp_path)


def test_a_server_that_moved_a_file_is_followed(server: Server, tmp_path: Path) -> None:
    moved = server.gives("elsewhere/image.uf2", IMAGE)
    url = server.gives(NAME, b"", status=302, Location=moved)
    assert _fetch(url, tmp_path).name == NAME


def test_who_can_t_prove_to_be_the_server_is_told_so(server: Server, tmp_path: Path) -> None:
    url = server.gives(NAME, IMAGE).replace("http:", "https:")
    with pytest.raises(Problem, match="can't prove to be that server"):
        fetch_image(url, tmp_path)
    assert server.asked == []


class _Breaking:
    """A server that goes away after a part, in a way that no length tells."""

    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, error: Exception) -> None:
        self._parts: list[bytes | Exception] = [IMAGE[:1024], error]

    def read(self, _size: int) -> bytes:
        part = self._parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return part


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), TimeoutError(), ssl.SSLError(1, "bad record"), IncompleteRead(b"")]
)
def test_a_link_that_breaks_amid_an_image_leaves_nothing_behind(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(Problem, match="can't be fetched"):
        fetch_image(f"https://micropython.org/{NAME}", tmp_path, opener=lambda _url, _s: nullcontext(_Breaking(error)))
    assert _nothing_is_left(tmp_path)


def test_a_folder_that_can_t_be_made_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="can't be kept in"):
        _fetch(server.gives(NAME, IMAGE), tmp_path / "file" / "images")


def test_urls_are_those_that_micropython_publishes() -> None:
    assert image_url(KINDS["pico_w"]) == ("https://micropython.org/resources/firmware/RPI_PICO_W-20260824-v1.29.0.uf2")
    assert image_url(KINDS["esp32_c3"]) == (
        "https://micropython.org/resources/firmware/ESP32_GENERIC_C3-20260824-v1.29.0.bin"
    )
    assert image_url(KINDS["pico_w"], "1.28.0", "20260406").endswith("/RPI_PICO_W-20260406-v1.28.0.uf2")
    assert page_url(KINDS["esp32_s3"]) == "https://micropython.org/download/ESP32_GENERIC_S3"


def test_each_kind_of_board_has_an_image_of_its_own() -> None:
    urls = [image_url(kind) for kind in KINDS.values()]
    assert len(set(urls)) == len(KINDS)
    assert all(
        url.endswith(".uf2" if kind.way == "uf2" else ".bin") for url, kind in zip(urls, KINDS.values(), strict=True)
    )


def test_an_image_for_an_esp32_is_fetched_as_well(server: Server, tmp_path: Path) -> None:
    path = _fetch(server.gives("ESP32_GENERIC_C3-20260824-v1.29.0.bin", esp_file(ESP32_C3)), tmp_path)
    assert read_image(path).chip == "ESP32-C3"
