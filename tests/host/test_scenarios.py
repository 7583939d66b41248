import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import Problem
from iastm_host.scenarios import NAMES, Cell, make_scenario, pack_rows
from iastm_protocol.conversion import to_newtons
from iastm_protocol.limits import LimitWatch
from iastm_protocol.strokes import StrokeDetector

RATE_HZ = 320.0
CELL = Cell()
SEEDS = range(1, 13)


def newtons(counts):
    return to_newtons(counts.astype(float), CELL.zero_counts, CELL.coefficients)


def crossings(force_n, limit_n):
    return len(LimitWatch(limit_n, 0.9 * limit_n, 2).feed(0, force_n.tolist()))


@pytest.mark.parametrize("name", NAMES)
@given(sizes=st.lists(st.integers(0, 700), min_size=1, max_size=12))
def test_rows_do_not_depend_on_how_they_are_asked_for(name, sizes):
    whole = make_scenario(name, 3, RATE_HZ, CELL)
    split = make_scenario(name, 3, RATE_HZ, CELL)
    force_n, counts = whole.next_rows(sum(sizes))
    parts = [split.next_rows(n) for n in sizes]
    np.testing.assert_array_equal(force_n, np.concatenate([p[0] for p in parts]))
    np.testing.assert_array_equal(counts, np.concatenate([p[1] for p in parts]))
    assert whole.true_strokes(0, sum(sizes)) == split.true_strokes(0, sum(sizes))


def test_another_seed_gives_another_hand():
    first, second = (make_scenario("treatment", seed, RATE_HZ, CELL).next_rows(3200)[1] for seed in (1, 2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("rate_hz", [80.0, 320.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_detector_fed_with_the_counts_finds_the_true_strokes(seed, rate_hz):
    n = round(60 * rate_hz)
    scenario = make_scenario("treatment", seed, rate_hz, CELL)
    _, counts = scenario.next_rows(n)
    found = StrokeDetector(0.8, 0.52, round(0.15 * rate_hz)).feed(0, newtons(counts).tolist())
    true = scenario.true_strokes(0, n)
    assert len(found) == len(true)
    for span, stroke in zip(found, true, strict=True):
        assert abs(span.first_index - stroke.first_index) <= 2
        assert abs(span.last_index - stroke.last_index) <= 2
        assert span.peak == pytest.approx(stroke.peak_n, abs=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_heavy_stroke_crosses_warn_and_alarm_once_and_no_other_does(seed):
    n = round(120 * RATE_HZ)
    scenario = make_scenario("treatment", seed, RATE_HZ, CELL)
    _, counts = scenario.next_rows(n)
    force_n = newtons(counts)
    strokes = scenario.true_strokes(0, n)
    assert strokes
    for stroke in strokes:
        inside = force_n[stroke.first_index - 5 : stroke.last_index + 5]
        expected = 1 if stroke.peak_n > 14 else 0
        assert (crossings(inside, 11.0), crossings(inside, 14.0)) == (expected, expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_treatment_warns_early_but_not_three_times_in_five(seed):
    scenario = make_scenario("treatment", seed, RATE_HZ, CELL)
    force_n, _ = scenario.next_rows(round(30 * RATE_HZ))
    strokes = scenario.true_strokes(0, round(30 * RATE_HZ))
    heavy = [stroke.peak_n > 14 for stroke in strokes]
    assert np.abs(force_n[: round(0.8 * RATE_HZ)]).max() < 0.05
    assert strokes[heavy.index(True)].last_index < 10 * RATE_HZ
    assert max(sum(heavy[i : i + 5]) for i in range(len(heavy))) < 3


def test_treatment_is_like_published_practice():
    n = round(900 * RATE_HZ)
    scenario = make_scenario("treatment", 5, RATE_HZ, CELL)
    scenario.next_rows(n)
    strokes = scenario.true_strokes(0, n)
    peaks = np.array([s.peak_n for s in strokes])
    ordinary = peaks[peaks < 11]
    durations_s = np.array([s.last_index - s.first_index + 1 for s in strokes]) / RATE_HZ
    within_bursts_s = np.diff([s.peak_index for s in strokes]) / RATE_HZ
    assert ordinary.mean() == pytest.approx(6.7, abs=0.4)
    assert ordinary.std() / ordinary.mean() == pytest.approx(0.22, abs=0.04)
    assert not np.any((peaks > 10.9) & (peaks < 14.5))
    assert np.mean(peaks > 14) == pytest.approx(1 / 8, abs=0.05)
    assert 1 / np.median(within_bursts_s) == pytest.approx(0.5, abs=0.06)
    assert len(set(np.round(peaks, 6))) == len(peaks)
    holds = [s for s, d in zip(strokes, durations_s, strict=True) if d > 6]
    assert holds
    assert holds[0].first_index > 60 * RATE_HZ


def test_twenty_seconds_of_seed_one_are_the_demo():
    scenario = make_scenario("treatment", 1, RATE_HZ, CELL)
    scenario.next_rows(6400)
    strokes = scenario.true_strokes(0, 6400)
    assert len(strokes) in (8, 9)
    assert sum(s.peak_n > 14 for s in strokes) == 2


def test_zero_drifts_by_tens_of_millinewtons_over_minutes_and_noise_is_small():
    scenario = make_scenario("quiet", 2, RATE_HZ, CELL)
    force_n, counts = scenario.next_rows(round(600 * RATE_HZ))
    assert 0.01 < np.ptp(force_n) < 0.12
    assert np.ptp(force_n[: round(2 * RATE_HZ)]) < 0.003
    assert np.std(newtons(counts) - force_n) == pytest.approx(0.0014, rel=0.05)
    assert scenario.true_strokes(0, len(force_n)) == []


def test_every_third_stroke_of_saturated_stays_at_the_rail_for_a_while():
    n = round(60 * RATE_HZ)
    scenario = make_scenario("saturated", 1, RATE_HZ, CELL)
    _, counts = scenario.next_rows(n)
    at_rail = [
        int(np.count_nonzero(counts[s.first_index : s.last_index + 1] == 0x7FFFFF)) for s in scenario.true_strokes(0, n)
    ]
    assert all((samples > 0.05 * RATE_HZ) == (i % 3 == 0) for i, samples in enumerate(at_rail, 1))


def test_strokes_that_reach_beyond_the_window_are_not_true_strokes_of_it():
    scenario = make_scenario("treatment", 1, RATE_HZ, CELL)
    scenario.next_rows(6400)
    second = scenario.true_strokes(0, 6400)[1]
    assert second in scenario.true_strokes(second.first_index - 1, second.last_index + 2)
    assert second not in scenario.true_strokes(second.first_index, second.last_index + 2)
    assert second not in scenario.true_strokes(second.first_index - 1, second.last_index + 1)


def test_packed_rows_are_micronewtons_and_counts():
    packed = pack_rows(np.array([1.5, -0.000002]), np.array([84_213, -0x800000], dtype=np.int32))
    assert packed == b"".join(v.to_bytes(4, "little", signed=True) for v in (1_500_000, 84_213, -2, -0x800000))


@given(st.floats(-180, 180))
def test_counts_turn_back_into_the_force_within_half_a_count(force_n):
    assert newtons(CELL.counts(np.array([force_n])))[0] == pytest.approx(force_n, abs=0.6 / 41_900)


def test_the_cell_clips_at_the_rails():
    assert CELL.counts(np.array([1000.0, -1000.0])).tolist() == [0x7FFFFF, -0x800000]
    assert CELL.counts(np.array([CELL.rail_n * 1.001]))[0] == 0x7FFFFF


def test_a_changed_calibration_changes_its_hash_but_noise_does_not():
    assert Cell(zero_counts=1).sha256 != CELL.sha256
    assert Cell(noise_n=0.1).sha256 == CELL.sha256
    assert len(CELL.sha256) == 64


def csv_file(tmp_path, text):
    path = tmp_path / "forces.csv"
    path.write_text(text)
    return path


def test_a_csv_is_resampled_and_rests_at_its_last_quiet_level(tmp_path):
    path = csv_file(tmp_path, "# a note\nindex,time_s,force_n\n0,5.0,0.1\n1,6.0,4.1\n2,7.0,0.2\n3,7.5,3\n")
    force_n, _ = make_scenario(path, 1, 100.0, CELL).next_rows(600)
    assert force_n[[0, 50, 100, 200, 250]] == pytest.approx([0.1, 2.1, 4.1, 0.2, 3.0])
    assert force_n[251:] == pytest.approx(np.full(349, 0.2))


def test_a_csv_without_header_gives_time_and_force_in_its_first_columns(tmp_path):
    force_n, _ = make_scenario(csv_file(tmp_path, "0;1\n1;2\n"), 1, 10.0, CELL).next_rows(11)
    assert force_n == pytest.approx(np.linspace(1, 2, 11))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no rows"),
        ("# only notes\n", "no rows"),
        ("time_s,force_n\n", "fewer than two"),
        ("time_s,force_n\n0,1\n1,nan\n", "Line 3"),
        ("time_s,force_n\n0,1\n1,inf\n", "Line 3"),
        ("time_s,force_n\n0,1\n1,soft\n", "Line 3"),
        ("time_s,force_n\n0,1\n1\n", "Line 3"),
        ("time_s,force_n\n0,1\n1,9999\n", "Line 3"),
        ("time_s,force_n\n1,1\n0,1\n", "line 3"),
        ("time_s,force_n\n0,1\n0,1\n", "line 3"),
    ],
)
def test_a_bad_csv_is_refused_in_words(tmp_path, text, said):
    with pytest.raises(Problem, match=said) as caught:
        make_scenario(csv_file(tmp_path, text), 1, RATE_HZ, CELL)
    assert caught.value.fix


def test_an_unknown_name_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(Problem, match="treatment"):
        make_scenario(tmp_path / "nothing", 1, RATE_HZ, CELL)
