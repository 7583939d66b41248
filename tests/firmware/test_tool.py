from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"serial_number": "7" * 250, "name": "n" * 250}, "the board's texts take"),
        ({"coefficients": (0.0, 0.001) + (0.0,) * 60}, "the calibration take"),
    ],
)
def test_what_no_frame_can_carry_is_refused_when_the_board_is_made(
    bench: Callable[..., Any], settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        bench([], **settings)
