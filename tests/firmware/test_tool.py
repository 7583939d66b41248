from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from iastm_firmware import app
from iastm_firmware.tool import Tool


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


def test_a_board_that_lacks_something_is_refused_at_once_and_all_that_it_lacks_is_named(
    bench: Callable[..., Any],
) -> None:
    assert app.__doc__ is not None
    listed = app.__doc__.split("a class of these attributes:")[1]
    names = sorted(set(re.findall(r"`([a-z_0-9]+)(?:\([a-z]*\))?`", listed)) - {"run"})
    assert len(names) == 36
    board = bench([]).board
    whole = {name: getattr(board, name) for name in names}
    assert Tool(SimpleNamespace(**whole)).boot_id
    with pytest.raises(AttributeError, match="the board lacks ") as refused:
        Tool(SimpleNamespace())
    assert sorted(re.findall(r"[a-z_0-9]+(?=[,:])", str(refused.value))) == names
    for name in names:
        rest = {each: value for each, value in whole.items() if each != name}
        with pytest.raises(AttributeError, match=f"lacks {name}: see iastm_firmware/app.py"):
            Tool(SimpleNamespace(**rest))
