"""Ten virtual hours of the whole firmware, on 64 and on 32 bits, with a host that streams and with none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.micropython.whole_firmware import assert_that_all_came, run_firmware

_ROOT = Path(__file__).resolve().parents[2]
_WRAP_S = (1 << 30) / 1e6
_BEFORE_WRAP_S = 40
# A leak of a byte a minute shows in ten hours; so much is what is kept of the heap's own state.
_SPREAD_BYTES = 300


@pytest.mark.parametrize("host", [True, False], ids=["host", "nobody"])
@pytest.mark.parametrize("build", ["micropython", "micropython_32bit"])
def test_ten_hours_leave_the_heap_as_it_was_and_miss_nothing(
    request: pytest.FixtureRequest, size: Callable[[int, int], int], build: str, *, host: bool
) -> None:
    seconds = size(240, 36_000)
    path: list[Path | str] = [_ROOT / "firmware_micropython", _ROOT / "protocol", ".frozen"]
    found = run_firmware(request.getfixturevalue(build), path, "512k", seconds, host=host, depth=2048)
    assert_that_all_came(found, seconds, host=host)
    # The ticks began short of their wrap.
    assert found["wraps"] == int((seconds - _BEFORE_WRAP_S) / _WRAP_S) + 1
    # All that is kept up to a bound has reached it in the first tenths.
    free_bytes = found["free_bytes"]
    assert len(free_bytes) == 10
    assert min(free_bytes[4:]) >= free_bytes[3] - _SPREAD_BYTES
