"""The state of two releases as main.py, the firmware and whoever deploys write it: one line, one meaning."""

from __future__ import annotations

import binascii
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_firmware import releases

_ROOT = Path(__file__).resolve().parents[2]

State = tuple[str, str, int, str]

# What deploy writes has the same checksums: worked out by hand with zlib's crc32 of the words before it.
LINES: list[tuple[str, State]] = [
    ("a trial 2 b c61b0a63\n", ("a", "trial", 2, "b")),
    ("b ok 0 - 7b138899\n", ("b", "ok", 0, "-")),
    ("a trial 1 - 223ee83b\n", ("a", "trial", 1, "-")),
    ("- ok 0 - 8bae58d8\n", ("-", "ok", 0, "-")),
    # The release in force, tried with other files beside it.
    ("a trial 2 a 5f125bd9\n", ("a", "trial", 2, "a")),
]


def line(words: str) -> str:
    """Return words with the checksum that is right for them."""
    return f"{words} {binascii.crc32(words.encode()):08x}\n"


NO_STATES = [
    "",
    "\n",
    "a ok 0 -",
    "a ok 0 - 00000000\n",
    line("a ok 0 -").upper(),
    " " + line("a ok 0 -"),
    line("a ok 0 -") + "\n",
    line("a ok 0 -").replace(" ", "  "),
    line("a ok 0 -")[:-2],
    line("a ok 0 - more"),
    line("a ok 0"),
    line("c ok 0 -"),
    line("a fine 0 -"),
    line("a ok x -"),
    line("a ok 10 -"),
    line("a ok -1 -"),
    line("a ok 00 -"),
    line("a ok 0 c"),
    # Nothing to try.
    line("- trial 2 a"),
    line("- trial 2 -"),
]


def load_main() -> ModuleType:
    """Return the selector as a module; it starts nothing under another name than its own."""
    spec = importlib.util.spec_from_file_location("selector", _ROOT / "firmware_micropython" / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAIN: Any = load_main()


def test_both_read_and_write_the_same_lines(micropython: str) -> None:
    cases = [[text, list(state)] for text, state in LINES] + [[text, None] for text in NO_STATES]
    # Without its newline it is whole, too.
    cases += [[text.strip(), list(state)] for text, state in LINES]
    script = """
import json
import main
from iastm_firmware import releases
for text, state in json.loads(cases):
    wanted = state and tuple(state)
    for module in (main, releases):
        found = module.decode(text)
        assert (found and tuple(found)) == wanted, (module, text, found)
        if state:
            assert module.encode(wanted).strip() == text.strip(), (module, text)
print("agreed")
"""
    for interpreter in ([micropython], [sys.executable]):
        path = f"{_ROOT / 'firmware_micropython'}:{_ROOT / 'protocol'}"
        done = subprocess.run(
            [*interpreter, "-c", f"cases = {json.dumps(cases)!r}\n{script}"],
            env={**os.environ, "MICROPYPATH": path + ":.frozen", "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("agreed\n", "")


@given(st.sampled_from("ab-"), st.sampled_from(["ok", "trial"]), st.integers(0, 9), st.sampled_from("ab-"))
def test_every_state_that_can_be_comes_back_from_its_line(place: str, status: str, tries: int, fallback: str) -> None:
    state = (place, status, tries, fallback)
    text = releases.encode(state)
    assert text == MAIN.encode(state) == line(f"{place} {status} {tries} {fallback}")
    can_be = status == "ok" or place != "-"
    assert releases.decode(text) == MAIN.decode(text) == (state if can_be else None)


@given(st.one_of(st.text(max_size=40), st.sampled_from([text for text, _ in LINES])), st.data())
def test_both_agree_on_any_text_and_take_none_that_has_one_wrong_character(text: str, data: st.DataObject) -> None:
    assert releases.decode(text) == MAIN.decode(text)
    if (text, releases.decode(text)) in LINES:
        at = data.draw(st.integers(0, len(text) - 2))
        other = data.draw(st.characters().filter(lambda char: char != text[at]))
        assert releases.decode(text[:at] + other + text[at + 1 :]) is None


class ShortWriter:
    """Stands for `open` on a medium that keeps less than it was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, path: str, mode: str = "r") -> Any:
        # What is written arrives nowhere; what is read is what lies in the folder.
        name = path.rpartition("/")[2]
        return (self._folder / (name if mode == "r" else name + ".lost")).open(mode)


@pytest.mark.parametrize("source", ["main.py", "iastm_firmware/releases.py"])
def test_a_state_that_does_not_read_back_is_not_put_in_force(source: str, tmp_path: Path) -> None:
    text, state = LINES[1]
    (tmp_path / "state").write_text(text)
    (tmp_path / "state.new").write_text("rest of an older one")
    names: dict[str, Any] = {"open": ShortWriter(tmp_path), "__name__": "taken"}
    code = (_ROOT / "firmware_micropython" / source).read_text(encoding="utf-8")
    exec(compile(code, source, "exec"), names)
    with pytest.raises(OSError, match="read back"):
        names["write"](LINES[0][1])
    assert tuple(names["read"]()) == state


def test_a_firmware_that_runs_from_no_place_is_on_no_trial() -> None:
    assert releases.runs_from() == "-"
    assert releases.on_trial() is None
