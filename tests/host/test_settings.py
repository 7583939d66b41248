from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from iastm_host.events import Problem
from iastm_host.settings import Settings, load_settings


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_and_an_environment_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml", {"PATH": "/bin", "IASTM": "x"}) == Settings()


def test_the_file_is_read_and_the_environment_stands_above_it(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'profile = "scan"\ntheme = "dark"\nsound = false\ntip_area_cm2 = 2\ntip_name = "Knie – Ü"\n'
    )
    chosen = load_settings(path, {"IASTM_THEME": "light", "IASTM_TIP_AREA_CM2": "1.25"})
    assert chosen == Settings(profile="scan", theme="light", sound=False, tip_area_cm2=1.25, tip_name="Knie – Ü")


@pytest.mark.parametrize(
    ("text", "meant"), [("1", True), ("Yes", True), ("on", True), ("TRUE", True), ("0", False), ("off", False)]
)
def test_yes_and_no_come_in_the_usual_words(text: str, meant: bool) -> None:
    assert load_settings(Path("none"), {"IASTM_SOUND": text}).sound is meant


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_can_come_from_the_environment(name: str) -> None:
    present = getattr(Settings(), name)
    given, meant = {bool: ("off", False), float: ("3.5", 3.5), str: ("word", "word")}[type(present)]
    if name == "theme":
        given = meant = "dark"
    assert getattr(load_settings(Path("none"), {f"IASTM_{name.upper()}": given}), name) == meant


@pytest.mark.parametrize(
    "text",
    [
        'sound = "perhaps"',
        "sound = 2",
        'tip_area_cm2 = "large"',
        "tip_area_cm2 = -1",
        "tip_area_cm2 = inf",
        "tip_area_cm2 = nan",
        "theme = 5",
        'theme = "pink"',
        "theme = []",
        'colour = "red"',
        "not toml",
        '[section]\nx = "y"',
    ],
)
def test_what_is_no_setting_is_a_problem_that_names_the_file_and_a_fix(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Problem) as raised:
        load_settings(path, {})
    assert str(path) in raised.value.what
    assert raised.value.fix


def test_a_wrong_value_in_the_environment_says_so() -> None:
    with pytest.raises(Problem, match="the environment sets sound to 'loud'"):
        load_settings(Path("none"), {"IASTM_SOUND": "loud"})


def test_a_file_that_is_no_text_and_a_folder_are_problems(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "settings.toml", tmp_path):
        with pytest.raises(Problem, match="can't be read"):
            load_settings(path, {})


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().theme = "dark"  # type: ignore[misc]
