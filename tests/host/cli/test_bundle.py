from __future__ import annotations

from pathlib import Path

import pytest
from tests.host.workbench.image_files import uf2_file

from iastm_host.cli.bundle import Suppliers, make_bundle
from iastm_host.events import Problem
from iastm_host.workbench.boards import KINDS
from iastm_host.workbench.bundle import ARCHITECTURES, open_bundle
from iastm_host.workbench.bundle_wheels import platform_words
from iastm_host.workbench.download import image_url
from iastm_host.workbench.release import Release


class Bench:
    """Where a bundle's parts come from, and what was asked and fetched."""

    def __init__(self, folder: Path, *, answer: bool | None = True) -> None:
        self.cache = folder / "cache"
        self.asked: list[str] = []
        self.fetched: list[str] = []
        self.said: list[str] = []
        self.wheels_wanted = 0
        self._answer = answer

    def suppliers(self) -> Suppliers:
        ask = None if self._answer is None else self._ask
        return Suppliers(self.cache, _release, self._fetch, self._wheels, ask, self.said.append)

    def _ask(self, question: str) -> bool:
        self.asked.append(question)
        assert not self.fetched
        assert not self.wheels_wanted
        return bool(self._answer)

    def _fetch(self, url: str, folder: Path) -> Path:
        self.fetched.append(url)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / url.rpartition("/")[2]
        path.write_bytes(uf2_file())
        return path

    def _wheels(self, folder: Path) -> None:
        self.wheels_wanted += 1
        (folder / "iastm_toolkit-0.1.0-py3-none-any.whl").write_bytes(b"wheel")


def _release(architecture: str) -> Release:
    return Release("0.1.0", "0123456789abcdef", 6, 3, architecture, {"iastm_firmware/app.mpy": b"M\x06\x00\x1fapp"})


def _downloadable() -> list[str]:
    return [image_url(kind) for kind in KINDS.values() if not kind.frozen_only]


def test_a_bundle_holds_firmware_for_every_board_images_wheels_and_what_to_do(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    own = tmp_path / "frozen.uf2"
    own.write_bytes(uf2_file(b"iastm_firmware/app.py"))
    make_bundle(tmp_path / "bench.zip", [own], bench.suppliers(), download=True, wheels=True)
    with open_bundle(tmp_path / "bench.zip") as bundle:
        assert bundle.architectures == sorted(ARCHITECTURES)
        names = {url.rpartition("/")[2] for url in _downloadable()}
        assert {image.path.name for image in bundle.images} == {"frozen.uf2", *names}
        assert bundle.info.under("wheels") == ["wheels/iastm_toolkit-0.1.0-py3-none-any.whl"]
        text = bundle.read("README.txt").decode()
    assert f"without a network: {platform_words()}" in text
    assert "pip install --no-index --find-links wheels 'iastm-toolkit[workbench]'" in text
    assert "iastm flash --bundle" in text
    assert "frozen.uf2: RP2040, MicroPython unknown, the firmware frozen in" in text
    assert bench.said[-1].startswith(f"{tmp_path / 'bench.zip'}, ")


def test_one_question_names_all_that_would_be_downloaded_before_anything_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=True, wheels=True)
    (question,) = bench.asked
    assert all(url in question for url in _downloadable())
    assert "by pip" in question
    assert sorted(bench.fetched) == sorted(_downloadable())


def test_boards_that_need_the_firmware_in_their_image_get_no_image_without_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=True, wheels=False)
    assert image_url(KINDS["pico_w"]) not in bench.fetched
    assert image_url(KINDS["pico_2_w"]) in bench.fetched


def test_a_no_leaves_nothing_fetched_and_nothing_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, answer=False)
    with pytest.raises(Problem, match="Nothing was downloaded"):
        make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=True, wheels=True)
    assert bench.fetched == []
    assert bench.wheels_wanted == 0
    assert not (tmp_path / "bench.zip").exists()


def test_where_nobody_can_be_asked_nothing_is_downloaded_and_the_urls_are_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, answer=None)
    with pytest.raises(Problem) as refused:
        make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=True, wheels=False)
    assert all(url in refused.value.what for url in _downloadable())
    assert "--yes" in refused.value.fix
    assert "--image" in refused.value.fix
    assert bench.fetched == []


def test_what_needs_no_download_asks_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, answer=None)
    make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=False, wheels=False)
    with open_bundle(tmp_path / "bench.zip") as bundle:
        assert bundle.images == []
        assert bundle.info.platform == ""
        assert "made without the toolkit's wheels" in bundle.read("README.txt").decode()


def test_an_image_that_was_fetched_before_is_not_asked_for_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    kept = bench.cache / image_url(KINDS["pico_2_w"]).rpartition("/")[2]
    bench.cache.mkdir()
    kept.write_bytes(uf2_file())
    make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=True, wheels=False)
    assert image_url(KINDS["pico_2_w"]) not in bench.asked[0]
    with open_bundle(tmp_path / "bench.zip") as bundle:
        assert kept.name in {image.path.name for image in bundle.images}


def test_a_file_that_is_there_is_told_before_a_minute_of_work(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "bench.zip").write_bytes(b"somebody's")
    with pytest.raises(Problem, match="is not overwritten"):
        make_bundle(tmp_path / "bench.zip", [], bench.suppliers(), download=True, wheels=True)
    assert bench.asked == []
    assert (tmp_path / "bench.zip").read_bytes() == b"somebody's"


def test_an_image_that_can_t_be_flashed_is_told_before_anything_is_downloaded(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bad = tmp_path / "page.uf2"
    bad.write_bytes(b"<html>")
    with pytest.raises(Problem, match="a web page"):
        make_bundle(tmp_path / "bench.zip", [bad], bench.suppliers(), download=True, wheels=True)
    assert bench.asked == []
