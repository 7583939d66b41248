from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.transports.runtime import source_hash
from iastm_host.workbench.release import (
    BUILT,
    Release,
    built_source,
    firmware_sources,
    firmware_version,
    module_path,
    read_manifest,
    selector_source,
)

RELEASE = Release("1.2.3", "0123456789abcdef", 6, 3, "armv6m", {"iastm_firmware/app.mpy": b"M\x06", "b.mpy": b""})


def test_the_sources_are_those_of_both_packages_and_of_nothing_else() -> None:
    paths = list(firmware_sources())
    assert {"iastm_firmware/app.py", "iastm_firmware/boards/pico_w.py", "iastm_protocol/frames.py", BUILT} <= set(paths)
    assert {path.split("/")[0] for path in paths} == {"iastm_firmware", "iastm_protocol"}
    assert all(path.endswith(".py") and "__pycache__" not in path for path in paths)


def test_sources_say_that_nobody_built_them_and_what_is_deployed_says_from_what() -> None:
    before: dict[str, object] = {}
    exec(firmware_sources()[BUILT], before)
    assert before["SOURCE_HASH"] is None
    after: dict[str, object] = {}
    exec(built_source(source_hash()), after)
    assert after["SOURCE_HASH"] == source_hash()


def test_the_version_is_what_the_firmware_says_in_hello() -> None:
    said: dict[str, object] = {}
    exec(firmware_sources()["iastm_firmware/version.py"], said)
    assert firmware_version() == said["VERSION"]


def test_the_selector_imports_nothing_of_ours_before_it_has_chosen() -> None:
    source = selector_source()
    assert b"def choose" in source
    body, _, _ = source.partition(b"def ")
    assert b"import iastm" not in body
    assert b"from iastm" not in body


def test_compiled_files_have_their_source_s_path() -> None:
    assert module_path("iastm_firmware/boards/demo.py") == "iastm_firmware/boards/demo.mpy"


def test_a_manifest_comes_back_as_it_was_written() -> None:
    manifest = read_manifest(RELEASE.manifest())
    assert manifest is not None
    assert (manifest.id, manifest.version, manifest.source_hash) == (
        "1.2.3+0123456789abcdef",
        "1.2.3",
        RELEASE.source_hash,
    )
    assert (manifest.mpy_version, manifest.mpy_sub_version, manifest.architecture) == (6, 3, "armv6m")
    assert dict(manifest.files) == RELEASE.hashes()
    assert RELEASE.total_bytes == 2


def test_a_manifest_begins_with_what_the_selector_reads_of_it() -> None:
    # main.py reads the first 80 letters of each at a start.
    assert RELEASE.manifest()[:40] == b'{"mpy_version":6,"mpy_sub_version":3,"ar'


def test_equal_releases_have_equal_manifests_whatever_the_order_of_their_files() -> None:
    turned = Release("1.2.3", "0123456789abcdef", 6, 3, "armv6m", dict(reversed(list(RELEASE.files.items()))))
    assert turned.manifest() == RELEASE.manifest()


@given(st.integers(0, 400))
def test_a_manifest_that_was_cut_off_is_none(length: int) -> None:
    data = RELEASE.manifest()
    assert read_manifest(data[: min(length, len(data) - 1)]) is None


@pytest.mark.parametrize(
    "change",
    [{"schema": 2}, {"files": 7}, {"files": {"a": "12"}}, {"mpy_version": "six"}, {"files": ["a"]}],
)
def test_a_manifest_of_another_kind_is_none(change: dict[str, object]) -> None:
    document = json.loads(RELEASE.manifest()) | change
    assert read_manifest(json.dumps(document).encode()) is None
    for name in document:
        assert (
            read_manifest(json.dumps({key: value for key, value in document.items() if key != name}).encode()) is None
        )


@given(st.binary(max_size=60))
def test_no_bytes_are_a_manifest_by_chance(data: bytes) -> None:
    assert read_manifest(data) is None
