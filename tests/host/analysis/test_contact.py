"""Contact found from files whose pulls are known, over the space that real gauges span."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from iastm_host.analysis.contact import FoundContact, find_contact, pulls_downwards_n

RATES_HZ = (10.0, 20.0, 40.0, 80.0, 100.0, 160.0, 320.0)


class GaugeFile(NamedTuple):
    time_s: NDArray[np.float64]
    force_n: NDArray[np.float64]
    pulls_s: list[tuple[float, float]]


def find(file) -> FoundContact:
    return find_contact(file.time_s, file.force_n, [(0, len(file.time_s))])


def faults(file) -> dict[str, int]:
    """Return how many pulls are missed, split or merged and how many are none, by overlap in time."""
    found = [(file.time_s[s.first], file.time_s[s.last]) for s in find(file).spans]

    def same(a, b):
        return min(a[1], b[1]) - max(a[0], b[0]) > 0.3 * min(a[1] - a[0], b[1] - b[0]) + 1e-9

    by_pull = [sum(same(pull, span) for span in found) for pull in file.pulls_s]
    by_span = [sum(same(pull, span) for pull in file.pulls_s) for span in found]
    return {
        "missed": by_pull.count(0),
        "split": sum(n > 1 for n in by_pull),
        "false": by_span.count(0),
        "merged": sum(n > 1 for n in by_span),
    }


NONE = {"missed": 0, "split": 0, "false": 0, "merged": 0}


def smoothstep(x):
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def stroke(rng, rate_hz, peak_n):
    n = max(6, round(rng.uniform(0.3, 1.5) * rate_hz))
    u = (np.arange(n) + 0.5) / n
    shape = u ** rng.uniform(0.8, 2) * (1 - u) ** rng.uniform(0.8, 2)
    return peak_n * shape / shape.max()


def hold(rng, rate_hz, peak_n, longest_s):
    """Return a hold that weakens by up to a third, with the tremor and the sway of a person."""
    duration_s = np.exp(rng.uniform(np.log(3), np.log(longest_s)))
    x = np.arange(round(duration_s * rate_hz)) / rate_hz
    ramp_s = rng.uniform(0.15, 0.8)
    envelope = smoothstep(x / ramp_s) * smoothstep((x[-1] - x) / ramp_s) * (1 - rng.uniform(0, 0.35) * x / duration_s)
    tremor = rng.uniform(0, 0.02) * np.sin(2 * np.pi * rng.uniform(6, 10) * x)
    sway = rng.uniform(0.005, 0.05) * np.sin(2 * np.pi * rng.uniform(0.2, 1) * x + rng.uniform(0, 6))
    return peak_n * envelope * (1 + tremor + sway)


def double(rng, rate_hz, peak_n):
    """Return a pull of two humps that gives way to 40 to 60 % between them."""
    n = max(12, round(rng.uniform(1, 3) * rate_hz))
    u = (np.arange(n) + 0.5) / n
    middle = rng.uniform(0.4, 0.6)
    second = rng.uniform(0.8, 1.0)
    valley = rng.uniform(0.4, 0.6) * second
    return peak_n * np.interp(u, [0, middle / 2, middle, (1 + middle) / 2, 1], [0, 1, valley, second, 0])


def gauge_file(seed) -> GaugeFile:
    """Return a file of sets of pulls that weaken to as little as a fifth, on an offset that steps and drifts."""
    rng = np.random.default_rng(seed)
    rate_hz = float(rng.choice(RATES_HZ))
    top_n = float(np.exp(rng.uniform(np.log(8), np.log(400))))
    weakest = rng.uniform(0.2, 1.0)
    # A pull that noise hides at 16 deviations is beyond what is promised (more where 60 ms hold but one sample).
    noise_n = min(np.exp(rng.uniform(np.log(0.005), np.log(0.5))), top_n * weakest / (16 if rate_hz >= 80 else 24))
    style = rng.choice(["strokes", "holds", "mixed"])
    sets = int(rng.integers(1, 3 if style == "holds" else 5))
    per_set = int(rng.integers(2, 8 if style == "holds" else 14))
    parts: list[NDArray[np.float64]] = []
    pulls_s: list[tuple[float, float]] = []
    steps: list[tuple[float, float]] = []

    def now_s():
        return sum(map(len, parts)) / rate_hz

    def rest(seconds):
        parts.append(np.zeros(max(1, round(seconds * rate_hz))))

    rest(rng.uniform(1, 6))
    offset_n = 0.0
    for number in range(sets * per_set):
        fatigue = 1 - (1 - weakest) * number / (sets * per_set - 1)
        peak_n = top_n * fatigue * float(np.clip(rng.normal(1, 0.08), 0.8, 1.2))
        kind = rng.choice(["strokes", "holds", "double"], p=[0.6, 0.2, 0.2]) if style == "mixed" else style
        if kind == "holds":
            pull = hold(rng, rate_hz, peak_n, 15 if style == "mixed" else 60)
        else:
            pull = (double if kind == "double" or rng.random() < 0.15 else stroke)(rng, rate_hz, peak_n)
        pulls_s.append((now_s(), now_s() + len(pull) / rate_hz))
        parts.append(pull)
        rest(max(rng.uniform(0.3, 3), 3 / rate_hz))
        if number % per_set == per_set - 1:
            rest(rng.uniform(2, 5))
            if rng.random() < 0.6:
                back = offset_n != 0 and rng.random() < 0.6
                offset_n = 0.0 if back else float(rng.uniform(2, 8) * rng.choice([-1, 1], p=[0.3, 0.7]))
                steps.append((now_s(), offset_n))
            rest(rng.uniform(3, 25))
    force_n = np.concatenate(parts)
    time_s = np.arange(len(force_n)) / rate_hz
    level_n = rng.uniform(-8, 8)
    before_n = 0.0
    for at_s, after_n in steps:
        force_n = force_n + (after_n - before_n) * smoothstep((time_s - at_s) / rng.uniform(0.03, 0.5))
        before_n = after_n
    slow = rng.uniform(0, 0.4) * np.sin(2 * np.pi * time_s / rng.uniform(120, 600) + rng.uniform(0, 6))
    drift_n = (rng.uniform(-1, 1) * time_s / max(60, time_s[-1]) + slow) * min(1, top_n * weakest / 6)
    force_n = force_n + level_n + drift_n + rng.normal(0, noise_n, len(force_n))
    resolution_n = min(float(rng.choice([0.0001, 0.001, 0.01, 0.05])), 2 * noise_n)
    return GaugeFile(time_s, np.round(force_n / resolution_n) * resolution_n, pulls_s)


def test_pulls_are_found_over_the_whole_space_of_gauges(size):
    """The promise: 99 files of 100 come out exactly."""
    files = size(50, 1000)
    wrong = {seed: found for seed in range(files) if (found := faults(gauge_file(seed))) != NONE}
    assert len(wrong) <= 0.01 * files, wrong


def quiet_file(seed) -> GaugeFile:
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(rng.uniform(10, 300) * 100)) / float(rng.choice(RATES_HZ))
    drift_n = rng.uniform(-1, 1) * time_s / time_s[-1] + rng.uniform(0, 0.5) * np.sin(
        2 * np.pi * time_s / rng.uniform(60, 600)
    )
    noise_n = np.exp(rng.uniform(np.log(0.005), np.log(0.5)))
    return GaugeFile(time_s, rng.uniform(-8, 8) + drift_n + rng.normal(0, noise_n, len(time_s)), [])


def test_no_contact_gives_no_pulls(size):
    for seed in range(size(30, 600)):
        found = find(quiet_file(seed))
        assert found.spans == ()
        assert found.on_n is None


def test_a_constant_gives_no_pulls():
    assert find(GaugeFile(np.arange(500) / 10, np.full(500, 3.0), [])).spans == ()


def shaped(shape: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    shapes: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "sine": lambda u: np.sin(np.pi * u),
        "triangle": lambda u: 1 - np.abs(2 * u - 1),
        "box": np.ones_like,
        "double": lambda u: np.interp(u, [0, 0.2, 0.5, 0.8, 1], [0, 1, 0.5, 1, 0]),
    }
    return shapes[shape]


def series(shape, count, duration_s, pause_s, top_n, weakest, rate_hz=80.0, noise_n=0.02, offset_n=-4.0) -> GaugeFile:
    """Return equal pulls that weaken evenly, after and before 3 s of rest."""
    rng = np.random.default_rng(1)
    starts = 3 + np.arange(count) * (duration_s + pause_s)
    time_s = np.arange(round((starts[-1] + duration_s + 3) * rate_hz)) / rate_hz
    force_n = offset_n + rng.normal(0, noise_n, len(time_s))
    for number, start_s in enumerate(starts):
        inside = (time_s >= start_s) & (time_s < start_s + duration_s)
        peak_n = top_n * (1 - (1 - weakest) * number / max(1, count - 1))
        force_n[inside] += peak_n * shaped(shape)((time_s[inside] - start_s) / duration_s)
    return GaugeFile(time_s, force_n, [(s, s + duration_s) for s in starts.tolist()])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("shape", ["sine", "triangle", "box", "double"])
def test_pulls_that_weaken_to_a_fifth_are_all_found(shape, rate_hz):
    assert faults(series(shape, 12, 1.2, 0.8, 60.0, 0.2, rate_hz)) == NONE


def test_strokes_of_three_samples_are_found():
    assert faults(series("sine", 20, 0.3, 0.5, 30.0, 0.5, rate_hz=10.0)) == NONE


@pytest.mark.parametrize("duration_s", [3, 20, 60])
def test_holds_without_any_tremor_are_found(duration_s):
    assert faults(series("box", 4, float(duration_s), 5.0, 40.0, 0.5)) == NONE


def test_a_single_pull_is_found():
    assert faults(series("sine", 1, 1.0, 1.0, 5.0, 1.0)) == NONE


def with_offset(file, begin_s, end_s, offset_n) -> GaugeFile:
    inside = (file.time_s >= begin_s) & (file.time_s < end_s)
    return GaugeFile(file.time_s, file.force_n + offset_n * inside, file.pulls_s)


@pytest.mark.parametrize("riders", [1, 2, 3, 6])
@pytest.mark.parametrize("offset_n", [-6.0, 3.0, 8.0])
def test_an_offset_that_comes_and_goes_with_pulls_on_it_changes_nothing(riders, offset_n):
    file = series("sine", 12, 1.0, 1.0, 30.0, 0.2)
    first, last = file.pulls_s[4], file.pulls_s[4 + riders]
    assert faults(with_offset(file, first[0] - 0.5, last[0] - 0.5, offset_n)) == NONE


def test_an_offset_between_sets_is_no_pull():
    file = series("sine", 8, 1.0, 8.0, 30.0, 0.5)
    for number in (1, 4):
        file = with_offset(file, file.pulls_s[number][1] + 1, file.pulls_s[number][1] + 7, 6.0)
    assert faults(file) == NONE


def test_a_weight_hung_on_and_taken_off_is_no_pull():
    assert find(with_offset(quiet_file(3), 20.0, 50.0, 7.0)).spans == ()


def test_rest_and_levels_are_reported_and_the_peak_is_where_the_force_is_highest():
    file = series("sine", 5, 1.0, 1.0, 30.0, 1.0, offset_n=-4.0)
    found = find(file)
    assert found.on_n is not None
    assert found.off_n == pytest.approx(0.65 * found.on_n)
    assert 0.5 < found.on_n < 6
    assert found.noise_n == pytest.approx(0.02, rel=0.3)
    for span, (start_s, end_s) in zip(found.spans, file.pulls_s, strict=True):
        assert span.rest_n == pytest.approx(-4.0, abs=0.05)
        assert file.time_s[span.first] == pytest.approx(start_s, abs=0.06)
        assert file.time_s[span.last] == pytest.approx(end_s, abs=0.06)
        assert file.force_n[span.peak] == file.force_n[span.first : span.last + 1].max()


def test_a_pull_cut_by_an_end_of_the_file_is_counted_apart():
    file = series("sine", 6, 1.0, 1.0, 30.0, 1.0)
    begin, end = 280, len(file.time_s) - 280
    found = find_contact(file.time_s, file.force_n, [(begin, end)])
    assert len(found.spans) == 4
    assert all(begin < span.first and span.last < end - 1 for span in found.spans)
    assert found.cut == 2


def test_no_pull_reaches_across_a_hole():
    file = series("sine", 6, 1.0, 1.0, 30.0, 1.0)
    hole = round((file.pulls_s[2][0] + 0.5) * 80)
    found = find_contact(file.time_s, file.force_n, [(0, hole), (hole, len(file.time_s))])
    assert len(found.spans) == 5
    assert all(not span.first < hole <= span.last for span in found.spans)


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 5])
def test_a_file_of_a_few_samples_has_no_contact(samples):
    time_s = np.arange(samples) / 10
    assert find_contact(time_s, time_s * 9, [(0, samples)]).spans == ()


def test_a_scale_changes_nothing():
    file = gauge_file(7)
    doubled = GaugeFile(file.time_s, file.force_n * 2, file.pulls_s)
    assert [s[:3] for s in find(file).spans] == [s[:3] for s in find(doubled).spans]


def downwards_n(file) -> float | None:
    return pulls_downwards_n(file.time_s, file.force_n, [(0, len(file.time_s))])


def test_pulls_that_go_down_are_told_and_those_that_go_up_never_are(size):
    told = 0
    count = size(30, 600)
    for seed in range(count):
        file = gauge_file(seed)
        assert downwards_n(file) is None, seed
        told += downwards_n(file._replace(force_n=-file.force_n)) is not None
    # Where the offset is as large as the pulls, nothing tells which way they go.
    assert told >= 0.7 * count


@pytest.mark.parametrize("hold_s", [1, 5, 40])
@pytest.mark.parametrize("offset_n", [-12.0, 0.0, 2.0])
def test_long_holds_on_an_offset_of_their_own_size_are_no_negative_pulls(hold_s, offset_n):
    assert downwards_n(series("box", 6, hold_s, 2.0, 12.0, 0.9, offset_n=offset_n)) is None


def test_how_far_negative_pulls_go_is_told():
    file = series("sine", 8, 1.0, 1.5, 12.0, 1.0, offset_n=-1.0)
    assert downwards_n(file._replace(force_n=-file.force_n)) == pytest.approx(12.0, abs=0.3)
    assert pulls_downwards_n(file.time_s[:2], file.force_n[:2], [(0, 2)]) is None


@pytest.mark.parametrize("every", [7, 50, 400])
def test_marks_for_missing_samples_are_no_negative_pulls(every):
    file = series("sine", 8, 1.0, 1.5, 12.0, 1.0, offset_n=0.0)
    marked = np.arange(len(file.time_s)) % every == 3
    assert downwards_n(file._replace(force_n=np.where(marked, -999.0, file.force_n))) is None


def test_marks_for_missing_samples_hide_no_negative_pulls():
    file = series("sine", 8, 1.0, 1.5, 12.0, 1.0, offset_n=0.0)
    marked = np.arange(len(file.time_s)) % 400 == 3
    turned = file._replace(force_n=np.where(marked, -999.0, -file.force_n))
    assert downwards_n(turned) == pytest.approx(12.0, abs=0.3)
