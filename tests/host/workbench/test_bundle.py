from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.host.workbench.image_files import ESP32_C3, esp_file, uf2_file

from iastm_host.events import Problem
from iastm_host.workbench import bundle as bundle_module
from iastm_host.workbench.bundle import (
    MANIFEST,
    SCHEMA,
    Contents,
    open_bundle,
    write_bundle,
)
from iastm_host.workbench.images import read_image
from iastm_host.workbench.release import Release

Change = Callable[[dict[str, bytes]], None]
MPY = b"M\x06\x03\x1f"


def _release(architecture: str) -> Release:
    files = {
        "iastm_protocol/frames.mpy": MPY + architecture.encode() * 50,
        "iastm_firmware/app.mpy": MPY + b"app" * 400,
        "iastm_firmware/boards/demo.mpy": MPY + b"demo",
    }
    return Release("0.1.0", "0123456789abcdef", 6, 3, architecture, files)


def _contents(folder: Path) -> Contents:
    folder.mkdir(exist_ok=True)
    (folder / "RPI_PICO2_W.uf2").write_bytes(uf2_file(b"MicroPython v1.29.0 on 2026-08-24" * 30))
    (folder / "frozen.bin").write_bytes(esp_file(ESP32_C3))
    wheels = [folder / "iastm_toolkit-0.1.0-py3-none-any.whl", folder / "numpy-2.4.6-cp311-manylinux_2_27_x86_64.whl"]
    for wheel in wheels:
        wheel.write_bytes(wheel.name.encode() * 1000)
    return Contents(
        toolkit_version="0.1.0",
        selector=b"# main.py\n",
        releases=[_release("armv6m"), _release("rv32imc")],
        images=[read_image(folder / "RPI_PICO2_W.uf2"), read_image(folder / "frozen.bin")],
        wheels=wheels,
        platform="CPython 3.11 on linux-x86_64",
        readme="what to do\n",
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle in order."""
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(folder / "whole.zip", _contents(folder / "parts"))
    return folder / "whole.zip"


def _refused(path: Path) -> Problem:
    with pytest.raises(Problem) as refused, open_bundle(path):
        pass
    return refused.value


def _parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zip(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def _with(whole: Path, path: Path, change: Callable[[dict[str, bytes]], None], *, told: bool = False) -> Path:
    """Write a changed bundle; `told`: bundle.json names sizes and sums as they are then."""
    parts = _parts(whole)
    change(parts)
    if told:
        document = json.loads(parts[MANIFEST])
        document["files"] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in parts.items()
            if name != MANIFEST
        }
        parts[MANIFEST] = json.dumps(document).encode()
    return _zip(path, parts)


def _told_as(**changes: Any) -> Change:
    def change(parts: dict[str, bytes]) -> None:
        parts[MANIFEST] = json.dumps(json.loads(parts[MANIFEST]) | changes).encode()

    return change


def test_what_goes_in_comes_out_again(whole: Path) -> None:
    with open_bundle(whole) as bundle:
        assert bundle.architectures == ["armv6m", "rv32imc"]
        assert bundle.release("armv6m") == _release("armv6m")
        assert bundle.release("rv32imc").id == "0.1.0+0123456789abcdef"
        assert bundle.selector_source() == b"# main.py\n"
        assert {(image.path.name, image.chip) for image in bundle.images} == {
            ("RPI_PICO2_W.uf2", "RP2040"),
            ("frozen.bin", "ESP32-C3"),
        }
        assert bundle.info.platform == "CPython 3.11 on linux-x86_64"
        assert len(bundle.info.under("wheels")) == 2


def test_its_images_are_there_until_it_is_closed(whole: Path) -> None:
    with open_bundle(whole) as bundle:
        image = bundle.images[0]
        assert hashlib.sha256(image.path.read_bytes()).hexdigest() == image.sha256
    assert not image.path.exists()
    assert not image.path.parent.exists()


def test_every_file_stands_in_the_list_with_size_and_sum(whole: Path) -> None:
    parts = _parts(whole)
    listed = json.loads(parts.pop(MANIFEST))["files"]
    assert listed == {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in parts.items()
    }


def test_the_same_contents_make_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    contents = _contents(tmp_path / "parts")
    again = replace(
        contents,
        releases=contents.releases[::-1],
        images=contents.images[::-1],
        wheels=contents.wheels[::-1],
    )
    write_bundle(tmp_path / "again.zip", again)
    # All but the release that stands for the versions, which both have.
    assert (tmp_path / "again.zip").read_bytes() == whole.read_bytes()


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    out = tmp_path / "bench.zip"
    out.write_bytes(b"somebody's work")
    with pytest.raises(Problem, match="is there already"):
        write_bundle(out, _contents(tmp_path / "parts"))
    assert out.read_bytes() == b"somebody's work"


def test_of_a_bundle_that_can_t_be_ended_nothing_is_left(tmp_path: Path) -> None:
    def full(name: str) -> None:
        if name.startswith("images/"):
            raise OSError(28, "No space left on device")

    out = tmp_path / "bench.zip"
    with pytest.raises(OSError, match="No space"):
        write_bundle(out, _contents(tmp_path / "parts"), full)
    assert not out.exists()


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    contents = _contents(tmp_path / "parts")
    other = _contents(tmp_path / "others")
    with pytest.raises(Problem, match=r"Two files would be called images/RPI_PICO2_W\.uf2"):
        write_bundle(tmp_path / "out.zip", replace(contents, images=[contents.images[0], other.images[0]]))
    assert not (tmp_path / "out.zip").exists()


def test_an_image_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    contents = _contents(tmp_path / "parts")
    odd = tmp_path / "my image?.uf2"
    odd.write_bytes(uf2_file())
    with pytest.raises(Problem, match="is no name for a file in a bundle"):
        write_bundle(tmp_path / "out.zip", replace(contents, images=[read_image(odd)]))


def test_what_was_unpacked_from_it_can_be_read_by_everybody(whole: Path) -> None:
    with zipfile.ZipFile(whole) as archive:
        modes = {stat.S_IMODE(entry.external_attr >> 16) for entry in archive.infolist()}
    assert modes == {0o644}


# --- what may have happened to one on its way


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_bundle_that_was_cut_off_anywhere_is_refused(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = whole.read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert "is no whole bundle" in _refused(cut).what


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_changes_nothing_that_is_used(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    changed = tmp_path / "changed.zip"
    changed.write_bytes(content)
    with suppress(Problem), open_bundle(changed) as bundle:
        # A byte that means nothing, such as a time: all that is in the file is as it was.
        assert bundle.release("armv6m") == _release("armv6m")
        assert bundle.selector_source() == b"# main.py\n"


def _drop(name: str) -> Change:
    def drop(parts: dict[str, bytes]) -> None:
        del parts[name]

    return drop


def _put(name: str, data: bytes) -> Change:
    return lambda parts: parts.update({name: data})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop(MANIFEST), "is no bundle of iastm bundle"),
        (_put(MANIFEST, b"{"), "bundle.json can't be read"),
        (_put(MANIFEST, b"[]"), "bundle.json can't be read"),
        (_told_as(files=[]), "bundle.json can't be read"),
        (_told_as(files={"README.txt": {}}), "bundle.json can't be read"),
        (_drop("firmware/main.py"), "firmware/main.py is missing"),
        (_drop("images/frozen.bin"), "images/frozen.bin is missing"),
        (_put("wheels/more.whl", b""), "wheels/more.whl is not named"),
        (_put("firmware/armv6m/iastm_firmware/app.mpy", MPY), "app.mpy has another size"),
        (_put("firmware/armv6m/iastm_firmware/app.mpy", MPY + b"hop" * 400), "app.mpy is damaged"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused_by_name(
    whole: Path, tmp_path: Path, change: Change, words: str
) -> None:
    problem = _refused(_with(whole, tmp_path / "changed.zip", change))
    assert words in problem.what
    assert "iastm bundle OUT.zip" in problem.fix


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_a_bundle_of_another_schema_is_refused_with_what_to_do(whole: Path, tmp_path: Path, schema: object) -> None:
    problem = _refused(_with(whole, tmp_path / "other.zip", _told_as(schema=schema)))
    assert f"a bundle of schema {schema!r}; this toolkit reads {SCHEMA}" in problem.what
    assert "Make it anew" in problem.fix


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "images/../../outside",
        "/etc/outside",
        "images/.hidden",
        "C:/outside",
        "images\\..\\outside",
        "a//b",
    ],
)
def test_no_name_leads_out_of_a_bundle(whole: Path, tmp_path: Path, name: str) -> None:
    problem = _refused(_with(whole, tmp_path / "bad.zip", _put(name, b"x"), told=True))
    assert "a name in it is none of ours" in problem.what
    assert not list(tmp_path.parent.rglob("outside"))


def test_a_file_that_is_there_twice_is_refused(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    path.write_bytes(whole.read_bytes())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("firmware/main.py", b"# main.py\n")
    assert "two files firmware/main.py" in _refused(path).what


def test_a_bundle_that_would_fill_a_disk_is_not_unpacked(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    size = bundle_module.LARGEST_BYTES + 1
    path.write_bytes(_stating(_with(whole, tmp_path / "small.zip", _put("wheels/bomb.whl", b"\0")), size))
    assert "more than any bundle does" in _refused(path).what


def _stating(path: Path, size: int) -> bytes:
    """Return a bundle whose directory states another size for its bomb."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("wheels/bomb.whl").file_size = size
        archive.comment = b"written anew"
    return path.read_bytes()


def test_a_file_that_is_more_than_its_directory_states_is_refused(whole: Path, tmp_path: Path) -> None:
    # Deflated zeros: a thousandth of what they become.
    path = _with(whole, tmp_path / "more.zip", _put("wheels/bomb.whl", bytes(4_000_000)))
    document = json.loads(_parts(path)[MANIFEST])
    document["files"]["wheels/bomb.whl"] = {"bytes": 10, "sha256": "0" * 64}
    path = _with(path, tmp_path / "lies.zip", _put(MANIFEST, json.dumps(document).encode()))
    path.write_bytes(_stating(path, 10))
    assert "wheels/bomb.whl" in _refused(path).what


def test_more_files_than_any_bundle_has_are_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "many.zip", {f"f{number}": b"" for number in range(5001)})
    assert "it names 5001 files" in _refused(path).what


def test_a_bundle_with_an_image_that_is_none_is_refused(whole: Path, tmp_path: Path) -> None:
    path = _with(whole, tmp_path / "bad.zip", _put("images/frozen.bin", b"<html>"), told=True)
    assert "frozen.bin is no image of firmware, but a web page" in _refused(path).what


def test_firmware_that_is_not_what_its_own_list_says_is_refused(whole: Path, tmp_path: Path) -> None:
    name = "firmware/armv6m/iastm_firmware/app.mpy"
    with open_bundle(_with(whole, tmp_path / "bad.zip", _put(name, MPY + b"other"), told=True)) as bundle:
        assert bundle.release("rv32imc") == _release("rv32imc")
        with pytest.raises(Problem, match=r"its firmware for armv6m is not what its release\.json says"):
            bundle.release("armv6m")


def test_an_architecture_that_it_has_not_is_named_with_those_that_it_has(whole: Path) -> None:
    with (
        open_bundle(whole) as bundle,
        pytest.raises(Problem, match="no firmware for xtensawin, but for armv6m, rv32imc"),
    ):
        bundle.release("xtensawin")


def test_a_bundle_that_changes_while_it_is_open_is_found_out(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "stick.zip"
    path.write_bytes(whole.read_bytes())
    with open_bundle(path) as bundle:
        _with(whole, path, _put("firmware/main.py", b"# evil.py\n"))
        with pytest.raises(Problem, match=r"firmware/main\.py is damaged"):
            bundle.selector_source()
        path.unlink()
        with pytest.raises(Problem, match="can't be read: No such file"):
            bundle.selector_source()


@pytest.mark.parametrize(("data", "words"), [(b"", "is no whole bundle"), (b"not a zip", "is no whole bundle")])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "file.zip"
    path.write_bytes(data)
    assert words in _refused(path).what


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "none.zip can't be read: No such file" in _refused(tmp_path / "none.zip").what
