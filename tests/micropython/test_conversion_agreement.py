"""Tool and host turn the same counts into the same newtons, within the greater of 2 counts and 1 mN.

Over the whole range of 24 bits, for calibrations of the first to the third order and either polarity; with the doubles
of a MicroPython on a PC and with the 32-bit floats of boards. Those are those of a MicroPython built for them, where
one is there (`make bench ARGS=--build-32bit`; under --soak it is built), and always numpy's, step by step.
"""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from iastm_protocol import kinds
from iastm_protocol.conversion import compensated, polarity, to_net_counts, to_newtons
from iastm_protocol.messages import Calibration
from iastm_protocol.monotone import is_monotone

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_SPAN = 2**24 - 1
_BUILD = _ROOT / "scripts" / "build_micropython_32bit.sh"
_TOLERANCE_N = 1e-3
_TOLERANCE_COUNTS = 2


@dataclass(frozen=True)
class Case:
    """A calibration, and what is asked of it."""

    coefficients: tuple[float, ...]
    zero: int
    raw: tuple[int, ...]
    forces_mn: tuple[int, ...]

    def line(self) -> str:
        payload = Calibration("agreed", bytes(32), 1e6, self.coefficients, 0, 0).to_payload().hex()
        return json.dumps([payload, self.zero, self.raw, self.forces_mn]) + "\n"


def _calibrations(chance: random.Random) -> Iterator[tuple[float, ...]]:
    """From 10 to a million counts for a newton, bent as far as conversion.py promises anything."""
    net = np.linspace(-_SPAN, _SPAN, 400)
    while True:
        slope = chance.choice((1, -1)) * 10 ** chance.uniform(-6, -1)
        second, third = (slope * chance.uniform(-0.6, 0.6) / _SPAN**order for order in (1, 2))
        found = (0.0, slope, second, third)[: chance.randint(2, 4)]
        force_n = np.polynomial.polynomial.polyval(net, found)
        slopes = np.polynomial.polynomial.polyval(net, np.polynomial.polynomial.polyder(found))
        if is_monotone(found) and (abs(force_n).max() < 16_000 or (slopes / (force_n / net) > 0.5).all()):
            yield found


def _cases(seed: int, n: int) -> list[Case]:
    chance = random.Random(seed)
    calibrations = _calibrations(chance)
    cases = []
    for _ in range(n):
        coefficients = next(calibrations)
        zero = chance.choice(
            (0, chance.randint(kinds.COUNTS_MIN, kinds.COUNTS_MAX), kinds.COUNTS_MIN, kinds.COUNTS_MAX)
        )
        ends = (kinds.COUNTS_MIN, kinds.COUNTS_MAX, zero, min(zero + 1, kinds.COUNTS_MAX))
        raw = (*ends, *(chance.randint(kinds.COUNTS_MIN, kinds.COUNTS_MAX) for _ in range(40)))
        greatest_mn = int(1000 * to_newtons(polarity(coefficients) * _SPAN, 0, coefficients))
        forces = (800, 520, *(chance.randint(1, min(greatest_mn, 2**32 - 1)) for _ in range(10)))
        cases.append(Case(coefficients, zero, raw, tuple(each for each in forces if each <= greatest_mn)))
    return cases


def _exact(net: int, coefficients: Sequence[float]) -> Fraction:
    return sum((Fraction(c) * net**order for order, c in enumerate(coefficients)), Fraction(0))


def _allowed_n(net: int, coefficients: Sequence[float]) -> Fraction:
    """The greater of 2 counts here, towards zero, and 1 mN."""
    nearer = net - _TOLERANCE_COUNTS if net > 0 else net + _TOLERANCE_COUNTS
    further = net + _TOLERANCE_COUNTS if net > 0 else net - _TOLERANCE_COUNTS
    here = _exact(net, coefficients)
    counts_n = min(abs(here - _exact(nearer, coefficients)), abs(_exact(further, coefficients) - here))
    return max(counts_n, Fraction(_TOLERANCE_N))


def _on(
    interpreter: str, cases: list[Case], path: Path
) -> list[tuple[tuple[float, ...], list[float], list[int | None]]]:
    """Return, for each case, the coefficients that the tool then states, its newtons, its counts of the forces."""
    path.write_text("".join(case.line() for case in cases))
    protocol = str(_ROOT / "protocol")
    done = subprocess.run(
        [interpreter, str(_HERE / "run_conversion.py"), str(path)],
        env={**os.environ, "PYTHONPATH": protocol, "MICROPYPATH": f"{protocol}:.frozen"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = []
    for line in done.stdout.splitlines():
        payload, newtons, net = json.loads(line)
        stated = Calibration.from_payload(bytes.fromhex(payload)).coefficients
        found.append((stated, [struct.unpack("<d", bytes.fromhex(each))[0] for each in newtons], net))
    assert len(found) == len(cases)
    return found


def _float32_program(request: pytest.FixtureRequest) -> str:
    built = Path(os.environ.get("MICROPYTHON32", _ROOT / ".cache" / "micropython32" / "micropython"))
    if not built.exists() and request.config.getoption("--soak"):
        done = subprocess.run([str(_BUILD)], capture_output=True, text=True, timeout=1800, check=False)
        if done.returncode:
            pytest.skip(f"no MicroPython with 32-bit floats could be built: {done.stderr[-200:]}")
    if not built.exists():
        pytest.skip("no MicroPython with 32-bit floats here: `make bench ARGS=--build-32bit` builds one")
    return str(built)


@pytest.fixture(params=["cpython", "micropython", "micropython with 32-bit floats"])
def interpreter(request: pytest.FixtureRequest) -> str:
    """The path of each interpreter."""
    if request.param == "cpython":
        return sys.executable
    if request.param == "micropython":
        found: str = request.getfixturevalue("micropython")
        return found
    return _float32_program(request)


def test_tool_and_host_convert_the_same_counts_to_the_same_newtons(
    interpreter: str, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    cases = _cases(1, size(60, 3000))
    for case, (stated, tool_n, _) in zip(cases, _on(interpreter, cases, tmp_path / "cases"), strict=True):
        # A tool says what it keeps, and the host converts with that.
        host_n = to_newtons(np.array(case.raw, dtype=np.float64), case.zero, stated)
        for raw, on_tool, on_host in zip(case.raw, tool_n, host_n.tolist(), strict=True):
            net = raw - case.zero
            assert abs(Fraction(on_tool) - Fraction(on_host)) <= _allowed_n(net, stated), (case.coefficients, net)


def test_what_a_tool_keeps_of_the_coefficients_is_as_near_to_them(
    interpreter: str, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    cases = _cases(2, size(60, 3000))
    for case, (stated, _, _) in zip(cases, _on(interpreter, cases, tmp_path / "cases"), strict=True):
        for raw in case.raw:
            net = raw - case.zero
            error_n = abs(_exact(net, stated) - _exact(net, case.coefficients))
            assert error_n <= _allowed_n(net, case.coefficients), (case.coefficients, net)


def test_tool_and_host_find_the_same_counts_for_a_limit(
    interpreter: str, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    cases = _cases(3, size(60, 3000))
    for case, (stated, _, tool_counts) in zip(cases, _on(interpreter, cases, tmp_path / "cases"), strict=True):
        sign = polarity(stated)
        for force_mn, counts in zip(case.forces_mn, tool_counts, strict=True):
            if counts is None:
                # Refused at the very end of the range only.
                assert _exact(sign * _SPAN, stated) - Fraction(force_mn, 1000) < _allowed_n(_SPAN, stated)
                continue
            host_counts = to_net_counts(force_mn / 1000, stated)
            apart_n = abs(_exact(sign * counts, stated) - _exact(sign * host_counts, stated))
            assert abs(counts - host_counts) <= _TOLERANCE_COUNTS or apart_n <= _TOLERANCE_N, (stated, force_mn)


# 32-bit floats as numpy has them: what boards do, wherever these tests run.

_Float32 = NDArray[np.float32]


def _as_float32(coefficients: Sequence[float]) -> tuple[np.float32, ...]:
    return tuple(np.float32(each) for each in coefficients)


def _net(n: int) -> NDArray[np.int64]:
    around = np.arange(-2000, 2001)
    return np.unique(np.concatenate([np.linspace(-_SPAN, _SPAN, n).astype(np.int64), around, [_SPAN - 1, 1 - _SPAN]]))


def _off(force_n: _Float32, net: NDArray[np.int64], coefficients: tuple[np.float32, ...]) -> NDArray[np.float64]:
    """How far forces lie from the host's, as a share of what is allowed."""
    stated = [float(each) for each in coefficients]
    wide = net.astype(np.float64)
    here = to_newtons(wide, 0.0, stated)
    allowed = np.minimum(*(np.abs(to_newtons(wide + each, 0.0, stated) - here) for each in (2.0, -2.0)))
    share: NDArray[np.float64] = np.abs(force_n.astype(np.float64) - here) / np.maximum(allowed, _TOLERANCE_N)
    return share


def _horner(net: _Float32, coefficients: tuple[np.float32, ...]) -> _Float32:
    force = np.full_like(net, coefficients[-1])
    for each in coefficients[-2::-1]:
        force = force * net + each
    return force


def test_in_32_bit_floats_the_compensated_scheme_keeps_the_promise_and_the_plain_one_does_not(
    size: Callable[[int, int], int],
) -> None:
    net = _net(size(20_000, 2_000_000))
    single = net.astype(np.float32)
    assert (single.astype(np.int64) == net).all()
    plain = mended = 0.0
    for case in _cases(4, size(150, 1500)):
        coefficients = _as_float32(case.coefficients)
        force_n = compensated(single, coefficients)
        assert force_n.dtype == np.float32
        mended = max(mended, float(_off(force_n, net, coefficients).max()))
        plain = max(plain, float(_off(_horner(single, coefficients), net, coefficients).max()))
    assert mended <= 1.0
    assert plain > 1.0


def test_in_32_bit_floats_more_counts_never_mean_less_force() -> None:
    net = np.concatenate([np.arange(_SPAN - 3000, _SPAN + 1), np.arange(5_000_000, 5_003_000)]).astype(np.float32)
    for case in _cases(5, 40):
        coefficients = _as_float32(case.coefficients)
        force_n = compensated(net, coefficients) * np.float32(polarity(case.coefficients))
        assert (np.diff(force_n[:3001]) >= 0).all()
        assert (np.diff(force_n[3001:]) >= 0).all()


def test_numpys_32_bit_floats_are_those_of_a_board(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    cases = _cases(6, 60)
    for case, (stated, tool_n, _) in zip(cases, _on(_float32_program(request), cases, tmp_path / "cases"), strict=True):
        coefficients = _as_float32(case.coefficients)
        assert stated == tuple(float(each) for each in coefficients)
        net = (np.array(case.raw) - case.zero).astype(np.float32)
        assert tool_n == compensated(net, coefficients).astype(np.float64).tolist()


# What a tool takes for monotone


@pytest.mark.parametrize("sign", [1, -1])
def test_a_curve_that_turns_anywhere_in_the_converters_range_is_not_monotone(sign: int) -> None:
    chance = random.Random(7)
    turned = 0
    net = np.linspace(-_SPAN, _SPAN, 20_001)
    for _ in range(300):
        slope = sign * 10 ** chance.uniform(-6, -3)
        second, third = (slope * chance.uniform(-1.2, 1.2) / _SPAN**order for order in (1, 2))
        coefficients = (0.0, slope, second, third)[: chance.randint(3, 4)]
        slopes = np.polynomial.polynomial.polyval(net, np.polynomial.polynomial.polyder(coefficients))
        least = float((sign * slopes).min()) / abs(slope)
        if abs(least) < 1e-6:
            continue
        assert is_monotone(coefficients) == (least > 0), coefficients
        turned += least < 0
    assert 60 < turned < 240


@pytest.mark.parametrize(
    "coefficients", [(0.0, 0.0), (0.0, 0.0, 1e-9), (0.0, 1e-5, 0.0, 0.0, 1e-30), (1.0, float("nan"))]
)
def test_what_has_no_slope_or_a_higher_order_is_not_monotone(coefficients: tuple[float, ...]) -> None:
    assert not is_monotone(coefficients)
