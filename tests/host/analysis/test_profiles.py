import json
from pathlib import Path

import pytest

import iastm_host.analysis
from iastm_host.analysis.profile_file import checksum, read_profiles
from iastm_host.analysis.profiles import (
    DEFAULT_PROFILE_KEY,
    Tip,
    offered_profiles,
    profile_for,
    stored_profile,
)
from iastm_host.events import Problem

SHIPPED = Path(iastm_host.analysis.__file__).with_name("default_profiles.json")
TIP = Tip("rounded edge", 1.5, 0.2)


def numbers(key, tip=None):
    profile = profile_for(key, tip)
    return (profile.target_low_n, profile.target_high_n, profile.warn_n, profile.alarm_n, profile.region_time_s)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("scan-caution", (1, 5, 6, 8, None)),
        ("iastm-one-hand", (5, 8.5, 11, 14, 300)),
        ("iastm-two-hands", (6.5, 11, 14.5, 18, 300)),
        ("focal-low", (5, 9.8, 12, 16, 600)),
        ("focal-high", (20, 25, 30, 40, 600)),
    ],
)
def test_the_shipped_numbers_are_those_of_the_sources(key, expected):
    assert numbers(key) == expected


def test_the_default_is_one_hand():
    assert DEFAULT_PROFILE_KEY == "iastm-one-hand"


def test_a_profile_in_kilopascals_is_turned_into_newtons_with_the_area():
    assert numbers("deep-friction", TIP) == pytest.approx((15.0, 61.5, 61.5, 75.0, 70))


@pytest.mark.parametrize("tip", [None, Tip("unknown", 0.0, 0.0)])
def test_a_profile_in_kilopascals_needs_an_area(tip):
    with pytest.raises(Problem, match="contact area") as raised:
        profile_for("deep-friction", tip)
    assert raised.value.fix.endswith(": scan-caution, iastm-one-hand, iastm-two-hands, focal-low, focal-high.")
    assert "deep-friction" not in [profile.key for profile in offered_profiles(tip)]
    assert "deep-friction" in [profile.key for profile in offered_profiles(TIP)]


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(Problem, match="iastm-one-hand"):
        profile_for("gua-sha", None)


def test_each_number_carries_its_grade_and_source():
    for profile in offered_profiles(TIP):
        stored = stored_profile(profile.key)
        for number in (stored.target_low, stored.target_high, stored.warn, stored.alarm):
            assert number.source
            assert number.grade != "measured" or "doi 10." in number.source
    assert profile_for("iastm-one-hand", None).limits_grade == "derived"
    assert profile_for("focal-low", None).target_grade == "measured upper edge"


def edited(tmp_path, change):
    document = json.loads(SHIPPED.read_text(encoding="utf-8"))
    change(document)
    path = tmp_path / "profiles.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_an_altered_limit_is_noticed(tmp_path):
    def soften(document):
        document["profiles"][1]["alarm"]["value"] = 40

    with pytest.raises(Problem, match="checksum"):
        read_profiles(edited(tmp_path, soften))


def test_another_schema_is_refused(tmp_path):
    with pytest.raises(Problem, match="schema"):
        read_profiles(edited(tmp_path, lambda document: document.update(schema=2)))


def test_numbers_that_do_not_rise_are_refused(tmp_path):
    def turn_upside_down(document):
        first = document["profiles"][0]
        first["warn"], first["alarm"] = first["alarm"], first["warn"]
        document["sha256"] = checksum(document["profiles"])

    with pytest.raises(Problem, match="do not rise"):
        read_profiles(edited(tmp_path, turn_upside_down))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}'])
def test_a_damaged_file_is_refused_in_words(tmp_path, text):
    path = tmp_path / "profiles.json"
    path.write_text(text)
    with pytest.raises(Problem):
        read_profiles(path)
