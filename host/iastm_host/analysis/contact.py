"""Finds contact in a recording whose zero is unknown: offsets come and go, drift, and pulls become weak.

No single level separates contact from rest in such a file, so shape and scale decide, in four steps.

1. **Noise and smoothing.** The force is averaged over 60 ms. Its noise comes from the stillest windows of the file.
2. **Turns.** The force is reduced to its alternating valleys and peaks, leaving out every swing smaller than a height
   h. Only differences between neighbours matter from here on, so an offset and slow drift have no say.
3. **Which valleys are rest.** A valley is rest where it falls below 30 % of the lower of its two peaks, measured from
   the valleys around it; anything higher is a dip within one pull. A higher valley is rest all the same where it has a
   flat floor and the force dwells at that same level beside the peaks too: an offset (a hook hung on, a hand resting)
   on which pulls ride. Peaks between two rests are one pull.
4. **Plausibility.** Each pull must stand out from its own rest levels by h, be no mere fraction of the pulls around it,
   rise or fall faster than drift, and be no weight that rests on the gauge: those come in boxes among humps.

h is searched between 5 % and 20 % of the size of the file's larger pulls (a pull may fall to a fifth), never below what
noise reaches by chance: the number of pulls is found for several h, and the middle of the longest range over which it
does not change is taken. Contact then is a force above rest + h/2 until below rest + 0.65 · h/2. The levels of rest are
reported with each pull and never subtracted from its force.

How well it does, over the generator in its tests (offsets of ±8 N that step by 2–8 N, drift, pulls of 8–400 N that fall
to as little as a fifth, strokes, holds up to a minute, double humps, noise of 5 mN–0.5 N, 10–320 samples/s): of 600
files that played no part in making it, 598 came out exactly; of their 8,811 pulls 2 were merged with a neighbour, none
missed, split or invented. 400 files of noise and drift alone gave none. Beyond its reach:
an offset put on between pulls of hardly more than its own size and taken off again without a pull on it (up to a third
of such files show it as a pull), two offsets that overlap in a file without any contact (a quarter), and a tool handled
so that its zero swings by more than 0.8 N within seconds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import compress, pairwise
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OFF_SHARE = 0.65
MIN_STROKE_S = 0.15

_SMOOTHING_S = 0.06
# Averaged noise reaches this many deviations from peak to peak in n values: 2·√(2 ln n), and a margin.
_NOISE_MARGIN = 1.5
# Where the larger pulls don't reach this there is no contact: turning a tool in the hand moves its zero nearly as far.
_FLOOR_N = 0.8
_H_LOW, _H_HIGH, _H_STEPS = 0.05, 0.20, 9
# Noise is taken from the windows of this length that are at this quantile of stillness.
_STILL_S = 0.3
_STILLEST = 0.15
_REST_SHARE = 0.30
# Longer than a hold lasts: from within it, rest is seen on both sides.
_REACH_S = 75.0
# Valleys that don't reach rest are a raised rest where so many in a row lie at one level and swing so far.
_REPEATED = 3
_REPEATED_SWING = 0.35
_REPEATED_TOLERANCE = 0.15
# Or where they are flat: the share of the depth that counts as floor, and how much of the valley it must fill.
_FLAT_SWING = 0.25
_FLAT_TOLERANCE = 0.12
_FLAT_SHARE = 0.62
_DWELL_S = 0.25
# A pull of less than this share of those around it is none.
_FEEBLE_SHARE = 0.15
# Drift takes longer than this for a swing.
_SLOW_S = 8.0
# A box: it lasts so long, and its mean is so near its highest. Beside pulls of another shape and under this share of
# both its neighbours it is something that rests on the gauge.
_BOX_S = 1.5
_BOX_FILL = 0.88
_BOX_SHARE = 0.6
# A file that holds nothing but so few boxes, each so long and with edges as of a weight, holds no contact.
_FEW = 3
_HUNG_S = 5.0
# Pulls go down where the force rises above rest by less than this share of how far it falls below it.
_INVERTED_SHARE = 0.25
_EXTREME = 0.005


class Span(NamedTuple):
    """A pull by row: first and last in contact, the highest, and the level of rest under it in newtons."""

    first: int
    last: int
    peak: int
    rest_n: float


@dataclass(frozen=True, slots=True)
class FoundContact:
    """What was found: levels above rest, noise of one sample (standard deviation), pulls, and how sure it is.

    `on_n` and `off_n` are None where there is no contact. `cut` counts pulls of which an end was not seen. `stable_n`
    are the smallest and largest h that give the same number of pulls.
    """

    on_n: float | None
    off_n: float | None
    noise_n: float
    spans: tuple[Span, ...]
    cut: int
    stable_n: tuple[float, float] | None


class _Turn(NamedTuple):
    """A valley or a peak of the smoothed force: its place and its value."""

    at: int
    value: float


class _Pull(NamedTuple):
    span: Span
    height_n: float
    cut: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """One segment: its first row, times, force as it is and smoothed."""

    begin: int
    time_s: Floats
    force_n: Floats
    smooth_n: Floats
    step_s: float


def find_contact(time_s: Floats, force_n: Floats, pieces: list[tuple[int, int]]) -> FoundContact:
    """Find the pulls of a recording: time (n,) in seconds, force (n,) in newtons, pieces [begin, end) without holes."""
    cut_up = [_piece(time_s, force_n, begin, end) for begin, end in pieces if end - begin >= 3]
    if not cut_up:
        return FoundContact(None, None, 0.0, (), 0, None)
    noise_n, smooth_noise_n, independent = _noise(cut_up)
    by_chance_n = (2 * math.sqrt(2 * math.log(max(independent, 2))) + _NOISE_MARGIN) * smooth_noise_n
    scale_n = _scale(cut_up, max(by_chance_n, 0.25 * _FLOOR_N), smooth_noise_n)
    lowest_n = max(by_chance_n, _H_LOW * scale_n, 0.25 * _FLOOR_N)
    if scale_n < max(1.2 * by_chance_n, _FLOOR_N):
        return FoundContact(None, None, noise_n, (), 0, None)
    heights = np.geomspace(lowest_n, max(lowest_n, _H_HIGH * scale_n), _H_STEPS).tolist()
    found = [_plausible(_candidates(cut_up, h, smooth_noise_n), cut_up) for h in heights]
    first, last = _steadiest([sum(not pull.cut for pull in pulls) for pulls in found])
    chosen = (first + last) // 2
    on_n = heights[chosen] / 2
    pulls = found[chosen]
    return FoundContact(
        on_n=on_n,
        off_n=OFF_SHARE * on_n,
        noise_n=noise_n,
        spans=tuple(pull.span for pull in pulls if not pull.cut),
        cut=sum(pull.cut for pull in pulls),
        stable_n=(heights[first], heights[last]),
    )


def pulls_downwards_n(time_s: Floats, force_n: Floats, pieces: list[tuple[int, int]]) -> float | None:
    """Return how far the force falls below rest where its pulls are negative, else None.

    Rest is the level of the stillest windows. It must lie nearer to 0 than the lowest force does, and the recording
    must begin or end there: a file of long holds is as still in them as at rest.
    """
    levels: list[Floats] = []
    spans: list[Floats] = []
    ends: list[float] = []
    for begin, end in pieces:
        if end - begin < 3:
            continue
        n = max(4, round(_STILL_S / float(np.median(np.diff(time_s[begin:end])))))
        if end - begin >= n:
            windows = np.lib.stride_tricks.sliding_window_view(force_n[begin:end], n)[:: max(1, n // 3)]
            levels.append(np.median(windows, axis=1))
            spans.append(np.ptp(windows, axis=1))
            ends += [float(levels[-1][0]), float(levels[-1][-1])]
    if not levels:
        return None
    span_n = np.concatenate(spans)
    rest_n = float(np.median(np.concatenate(levels)[span_n <= np.quantile(span_n, 2 * _STILLEST)]))
    low_n, high_n = np.quantile(_without_marks(force_n, rest_n), [_EXTREME, 1 - _EXTREME]).tolist()
    fall_n = rest_n - low_n
    turned = fall_n > _FLOOR_N and high_n - rest_n < _INVERTED_SHARE * fall_n and abs(rest_n) < fall_n / 2
    at_rest = min(abs(end_n - rest_n) for end_n in ends) < _INVERTED_SHARE * fall_n
    return fall_n if turned and at_rest else None


def _without_marks(force_n: Floats, rest_n: float) -> Floats:
    """Leave out a lowest number with nothing between it and half the way to rest: a mark such as -999, no pull."""
    while len(others := force_n[force_n > force_n.min()]) and others.min() > (force_n.min() + rest_n) / 2:
        force_n = others
    return force_n


def _piece(time_s: Floats, force_n: Floats, begin: int, end: int) -> _Piece:
    time_s, force_n = time_s[begin:end], force_n[begin:end]
    step_s = float(np.median(np.diff(time_s)))
    return _Piece(begin, time_s, force_n, _smooth(force_n, _window(step_s)), step_s)


def _window(step_s: float) -> int:
    """Return an odd number of samples, about 60 ms."""
    return max(0, round((_SMOOTHING_S / step_s - 1) / 2)) * 2 + 1


def _smooth(force_n: Floats, window: int) -> Floats:
    """Return the moving average; at the ends over what there is."""
    if window == 1:
        return force_n.copy()
    # A single wild sample is no swing: it is replaced by the median of three before averaging.
    middle = np.median(np.stack([force_n[:-2], force_n[1:-1], force_n[2:]]), axis=0)
    calm = np.concatenate((force_n[:1], middle, force_n[-1:]))
    ones = np.ones(window)
    averaged: Floats = (
        np.convolve(calm, ones, "same")[: len(calm)] / np.convolve(np.ones(len(calm)), ones, "same")[: len(calm)]
    )
    return averaged


def _noise(pieces: list[_Piece]) -> tuple[float, float, int]:
    """Return the noise of a sample, of a smoothed one, and how many independent smoothed samples there are.

    Taken from the stillest sixth of short windows, straight lines removed; not below a third of the resolution.
    """
    deviations: list[Floats] = []
    steps: list[float] = []
    independent = 0.0
    window = 1
    n = 4
    for piece in pieces:
        window = _window(piece.step_s)
        independent += len(piece.force_n) / window
        n = max(4, round(_STILL_S / piece.step_s))
        if len(piece.force_n) >= n:
            rows = np.lib.stride_tricks.sliding_window_view(piece.force_n, n)[:: max(1, n // 3)]
            place = np.arange(n) - (n - 1) / 2
            centred = rows - rows.mean(axis=1, keepdims=True)
            residual = centred - (centred @ place / (place @ place))[:, None] * place
            deviations.append(np.sqrt((residual**2).sum(axis=1) / (n - 2)))
        moves = np.abs(np.diff(piece.force_n))
        moves = moves[moves > 0]
        if len(moves):
            steps.append(float(moves.min()))
    resolution_n = min(steps, default=0.0)
    stillest_n = float(np.quantile(np.concatenate(deviations), _STILLEST)) if deviations else 0.0
    raw_n = max(stillest_n / _stillest_share(n - 2), resolution_n / 3)
    return raw_n, max(raw_n / math.sqrt(window), resolution_n / 6), round(independent)


def _stillest_share(freedom: int) -> float:
    """Return the share of the true deviation that the stillest windows show: a quantile of χ (Wilson and Hilferty)."""
    spread = 2 / (9 * freedom)
    return math.sqrt(max(1 - spread + NormalDist().inv_cdf(_STILLEST) * math.sqrt(spread), 0.1) ** 3)


def _turns(smooth_n: Floats, height_n: float) -> list[_Turn]:
    """Return alternating valleys and peaks, beginning and ending with a valley, with swings of at least height_n.

    The ends of the recording count as valleys, wherever they lie.
    """
    values = smooth_n.tolist()
    low_at = high_at = 0
    low = high = values[0]
    turns: list[_Turn] = []
    rising: bool | None = None
    for at, value in enumerate(values):
        if value > high:
            high_at, high = at, value
        if value < low:
            low_at, low = at, value
        if rising is not True and value - low >= height_n:
            turns.append(_Turn(low_at, low))
            rising = True
            high_at, high = at, value
        elif rising is not False and high - value >= height_n:
            if rising is None:
                turns.append(_Turn(0, values[0]))
            turns.append(_Turn(high_at, high))
            rising = False
            low_at, low = at, value
    if rising:
        turns.append(_Turn(high_at, high))
        turns.append(_Turn(len(values) - 1, values[-1]))
    elif rising is False:
        turns.append(_Turn(low_at, low))
    return turns


def _scale(pieces: list[_Piece], height_n: float, smooth_noise_n: float) -> float:
    """Return the size of the file's larger pulls: the upper quartile, each weighted with its size."""
    sizes = np.sort(np.array([pull.height_n for pull in _candidates(pieces, height_n, smooth_noise_n)]))
    if not len(sizes):
        return 0.0
    weight = np.cumsum(sizes)
    return float(sizes[np.searchsorted(weight, 0.75 * weight[-1])])


def _steadiest(counts: list[int]) -> tuple[int, int]:
    """Return first and last place of the longest run of equal counts above 0, the earliest of several."""
    best = (0, 0)
    first = 0
    for i in range(1, len(counts) + 1):
        if i == len(counts) or counts[i] != counts[first]:
            longer = i - first > best[1] - best[0] + 1 or counts[best[0]] == 0
            if counts[first] and longer:
                best = (first, i - 1)
            first = i
    return best


def _candidates(pieces: list[_Piece], height_n: float, smooth_noise_n: float) -> list[_Pull]:
    """Return all that stands out from rest by height_n, in order."""
    pulls: list[_Pull] = []
    for piece in pieces:
        turns = _turns(piece.smooth_n, height_n)
        if len(turns) < 3:
            continue
        rests = _rests(piece, turns, smooth_noise_n)
        for left, right in pairwise(rests):
            pull = _pull(piece, turns, left, right, height_n, smooth_noise_n)
            if pull is not None:
                pulls.append(pull)
    return pulls


def _rests(piece: _Piece, turns: list[_Turn], smooth_noise_n: float) -> list[int]:
    """Return which of the turns are rest; the ends of the piece always are."""
    valleys = turns[::2]
    around_n = _levels_around(piece, valleys)
    rests = [0]
    for i in range(1, len(valleys) - 1):
        value_n = valleys[i].value
        lower_peak_n = min(turns[2 * i - 1].value, turns[2 * i + 1].value)
        size_n = lower_peak_n - around_n[i]
        swing_n = lower_peak_n - value_n
        deep = swing_n >= (1 - _REST_SHARE) * size_n
        repeated = swing_n >= _REPEATED_SWING * size_n and _is_repeated(valleys, i, _REPEATED_TOLERANCE * swing_n)
        if (
            deep
            or repeated
            or (swing_n >= _FLAT_SWING * size_n and _is_raised_rest(piece, turns, 2 * i, smooth_noise_n))
        ):
            rests.append(2 * i)
    return [*rests, 2 * (len(valleys) - 1)]


def _levels_around(piece: _Piece, valleys: list[_Turn]) -> list[float]:
    """Return, for each valley, the lowest level that the force reaches on both sides within _REACH_S."""
    values = np.array([valley.value for valley in valleys])
    at_s = piece.time_s[[valley.at for valley in valleys]]
    firsts = np.searchsorted(at_s, at_s - _REACH_S)
    ends = np.searchsorted(at_s, at_s + _REACH_S, side="right")
    return [
        float(max(values[firsts[i] : i].min(initial=values[i]), values[i + 1 : ends[i]].min(initial=values[i])))
        for i in range(len(valleys))
    ]


def _is_repeated(valleys: list[_Turn], i: int, tolerance_n: float) -> bool:
    """Tell whether this valley is one of _REPEATED in a row at the same level."""
    first = last = i
    while first > 0 and abs(valleys[first - 1].value - valleys[i].value) <= tolerance_n:
        first -= 1
    while last < len(valleys) - 1 and abs(valleys[last + 1].value - valleys[i].value) <= tolerance_n:
        last += 1
    return last - first + 1 >= _REPEATED


def _is_raised_rest(piece: _Piece, turns: list[_Turn], at: int, smooth_noise_n: float) -> bool:
    """Tell whether this valley is flat and the force dwells at its level beyond its two peaks too."""
    valley = turns[at]
    depth_n = min(turns[at - 1].value, turns[at + 1].value) - valley.value
    tolerance_n = max(_FLAT_TOLERANCE * depth_n, 4 * smooth_noise_n)
    inside = piece.smooth_n[turns[at - 1].at : turns[at + 1].at + 1]
    floor = int(np.count_nonzero(inside <= valley.value + tolerance_n))
    half = int(np.count_nonzero(inside <= valley.value + max(0.5 * depth_n, tolerance_n)))
    if floor < max(3, 0.2 / piece.step_s) or floor < _FLAT_SHARE * half:
        return False
    least = max(4, round(max(_DWELL_S / piece.step_s, 0.4 * floor if floor * piece.step_s < 2 else 0)))
    # Three valleys out: the nearest may be dips within the pulls on either side.
    before = piece.smooth_n[turns[max(0, at - 6)].at : turns[at - 1].at]
    after = piece.smooth_n[turns[at + 1].at : turns[min(len(turns) - 1, at + 6)].at]
    return any(_dwell(side, valley.value, tolerance_n) >= least for side in (before, after))


def _dwell(smooth_n: Floats, level_n: float, tolerance_n: float) -> int:
    """Return the longest run of samples within the tolerance of a level."""
    near = np.abs(smooth_n - level_n) <= tolerance_n
    edges = np.flatnonzero(np.diff(np.concatenate(([False], near, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _pull(
    piece: _Piece, turns: list[_Turn], left: int, right: int, height_n: float, smooth_noise_n: float
) -> _Pull | None:
    """Return the pull between two rests, None where nothing stands out from both by height_n."""
    smooth_n = piece.smooth_n
    begin, end = turns[left].at, turns[right].at
    first_peak, last_peak = turns[left + 1].at, turns[right - 1].at
    peak_n = max(turn.value for turn in turns[left + 1 : right : 2])
    left_n, right_n = _rest_levels(piece, turns, left, right, height_n, smooth_noise_n)
    # An end of the piece that stands out from the rest on the other side is no rest: the pull is cut there.
    cut_before = left == 0 and _stands_out(piece, 0, left_n - right_n, height_n)
    cut_after = end == len(smooth_n) - 1 and _stands_out(piece, end, right_n - left_n, height_n)
    rest_n = right_n if cut_before else left_n if cut_after else max(left_n, right_n)
    size_n = peak_n - rest_n
    if size_n < height_n:
        return None
    before, after = smooth_n[begin : first_peak + 1], smooth_n[last_peak : end + 1]
    # Since the valley the zero may have drifted: what counts is rest right beside the pull.
    left_n = left_n if cut_before else _rest_beside(before, left_n, size_n, height_n, piece.step_s)
    right_n = right_n if cut_after else _rest_beside(after[::-1], right_n, size_n, height_n, piece.step_s)
    if not (cut_before or cut_after):
        rest_n = max(left_n, right_n)
        size_n = peak_n - rest_n
    below = np.flatnonzero(before <= left_n + height_n / 2)
    above = np.flatnonzero(after < right_n + OFF_SHARE * height_n / 2)
    first = begin if cut_before or not len(below) else begin + int(below[-1]) + 1
    last = end if cut_after or not len(above) else last_peak + int(above[0]) - 1
    cut = cut_before or cut_after or first == 0 or last == len(smooth_n) - 1
    if (last - first + 1.5) * piece.step_s < MIN_STROKE_S:
        return None
    highest = first + int(np.argmax(piece.force_n[first : last + 1]))
    return _Pull(Span(piece.begin + first, piece.begin + last, piece.begin + highest, rest_n), size_n, cut)


def _rest_beside(way_n: Floats, rest_n: float, size_n: float, height_n: float, step_s: float) -> float:
    """Return the lowest level in the 1.5 s before a fifth of the pull is reached, on its way from rest to peak."""
    low = np.flatnonzero(way_n <= rest_n + max(0.2 * size_n, height_n / 2))
    if not len(low):
        return rest_n
    return max(rest_n, float(way_n[max(0, low[-1] - round(1.5 / step_s)) : low[-1] + 1].min()))


def _stands_out(piece: _Piece, at: int, above_n: float, height_n: float) -> bool:
    """Tell whether the force at an end of the piece is well above rest without dwelling there."""
    if above_n < height_n:
        return False
    n = max(4, round(_DWELL_S / piece.step_s))
    window = piece.smooth_n[:n] if at == 0 else piece.smooth_n[-n:]
    return bool(np.ptp(window) > _FLAT_TOLERANCE * above_n)


def _rest_levels(
    piece: _Piece, turns: list[_Turn], left: int, right: int, height_n: float, smooth_noise_n: float
) -> tuple[float, float]:
    """Return the levels of rest before and after a pull.

    Rest is the median near the valley. Where the force dwells higher on both sides of the pull (or dwells on one side
    at the other side's rest), the pull rides on an offset that came after the valley, and that level is its rest.
    """
    smooth_n = piece.smooth_n
    flanks = (
        smooth_n[turns[left].at : turns[left + 1].at + 1],
        smooth_n[turns[right - 1].at : turns[right].at + 1][::-1],
    )
    peak_n = max(turn.value for turn in turns[left + 1 : right : 2])
    near = max(1, round(1.0 / piece.step_s))
    beyond = (
        smooth_n[max(0, turns[left].at - near) : turns[left].at],
        smooth_n[turns[right].at + 1 : turns[right].at + 1 + near],
    )
    levels = []
    for flank, other in zip(flanks, beyond, strict=True):
        highest_n = flank[0] + max(height_n / 4, 3 * smooth_noise_n)
        resting = np.concatenate((other[other <= highest_n], flank[flank <= highest_n][-near:]))
        levels.append(float(np.median(resting)))
    shelves = []
    for flank, level in zip(flanks, levels, strict=True):
        shelves.append(_shelf(flank, level, peak_n, piece.step_s, smooth_noise_n) or level)
    alike_n = max(height_n, 0.12 * (peak_n - min(levels)))
    if abs(shelves[0] - shelves[1]) <= alike_n:
        return shelves[0], shelves[1]
    return levels[0], levels[1]


def _shelf(flank: Floats, level_n: float, peak_n: float, step_s: float, smooth_noise_n: float) -> float | None:
    """Return the level at which the force dwells last on its way from rest (first) to the peak (last), or None."""
    n = max(4, round(2 * _DWELL_S / step_s))
    if len(flank) < n:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(flank, n)
    span_n = windows.max(axis=1) - windows.min(axis=1)
    level = windows.mean(axis=1)
    flat = span_n <= max(0.04 * (peak_n - level_n), 5 * smooth_noise_n)
    low = level <= level_n + 0.6 * (peak_n - level_n)
    high = level > level_n + max(0.08 * (peak_n - level_n), 3 * smooth_noise_n)
    found = np.flatnonzero(flat & low & high)
    return float(level[found[-1]]) if len(found) else None


def _plausible(pulls: list[_Pull], pieces: list[_Piece]) -> list[_Pull]:
    """Leave out what is no pull: feeble beside its neighbours, as slow as drift, or a weight that was hung on."""
    begins = [piece.begin for piece in pieces]
    homes = [pieces[bisect_right(begins, pull.span.first) - 1] for pull in pulls]
    fast = [not _is_slow(piece, pull) for piece, pull in zip(homes, pulls, strict=True)]
    homes, pulls = list(compress(homes, fast)), list(compress(pulls, fast))
    boxes = [_is_box(piece, pull) for piece, pull in zip(homes, pulls, strict=True)]
    few_boxes = sum(boxes) <= len(pulls) / 2
    if pulls and len(pulls) <= _FEW and all(boxes) and all(map(_is_hung_on, homes, pulls)):
        return []
    kept = []
    for i, pull in enumerate(pulls):
        around = [p.height_n for p in pulls[max(0, i - 3) : i] + pulls[i + 1 : i + 4]]
        feeble = bool(around) and pull.height_n < _FEEBLE_SHARE * float(np.median(around))
        beside = [p.height_n for p in pulls[max(0, i - 1) : i] + pulls[i + 1 : i + 2]]
        resting = boxes[i] and few_boxes and len(beside) == 2 and pull.height_n < _BOX_SHARE * min(beside)
        if not feeble and not resting:
            kept.append(pull)
    return kept


def _is_slow(piece: _Piece, pull: _Pull) -> bool:
    """Tell whether the force both comes and goes as slowly as drift may."""
    first, last = pull.span.first - piece.begin, pull.span.last - piece.begin
    share = (piece.smooth_n[first : last + 1] - pull.span.rest_n) / pull.height_n
    time_s = piece.time_s[first : last + 1]
    whole_s = []
    for values, times in ((share, time_s), (share[::-1], time_s[::-1])):
        high = int(np.argmax(values >= 0.8))
        way = max(float(values[high] - values[0]), 0.1)
        whole_s.append(abs(float(times[high] - times[0])) / way)
    return min(whole_s) > _SLOW_S


def _is_box(piece: _Piece, pull: _Pull) -> bool:
    """Tell whether the force stays near its highest for nearly all of some seconds."""
    first, last = pull.span.first - piece.begin, pull.span.last - piece.begin
    above_n = piece.smooth_n[first : last + 1] - pull.span.rest_n
    full = above_n.mean() > _BOX_FILL * np.quantile(above_n, 0.95)
    return bool(full and (last - first) * piece.step_s >= _BOX_S)


def _is_hung_on(piece: _Piece, pull: _Pull) -> bool:
    """Tell whether the force comes and goes within two samples and stays for long, as a weight on a hook does."""
    first, last = pull.span.first - piece.begin, pull.span.last - piece.begin
    if (last - first) * piece.step_s < _HUNG_S:
        return False
    moves = np.diff(piece.force_n[max(0, first - 2) : last + 3])
    return bool(min(moves.max(), -moves.min()) > 0.6 * pull.height_n)
