from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.workbench.doctor.requirement import read_requirement

HERE = {
    "python_version": "3.11",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "python_full_version": "3.11.7",
}


@pytest.mark.parametrize(
    ("bounds", "version", "within"),
    [
        ("<6.12,>=6.8", "6.11.3", True),
        ("<6.12,>=6.8", "6.12", False),
        ("<6.12,>=6.8", "6.12.0", False),
        ("<6.12,>=6.8", "6.8", True),
        ("<6.12,>=6.8", "6.7.9", False),
        (">=6.8", "6.10", True),
        ("<1.30,>=1.26", "1.30rc1", False),
        (">=1.29,<1.30", "1.29.0.post2", True),
        (">=2", "2.0rc1", False),
        ("==0.0.236", "0.0.236", True),
        ("==0.0.236", "0.0.2360", False),
        ("==1.28.0", "1.28", True),
        ("==1.*", "1.28", True),
        ("==1.2.*", "1.20", False),
        ("!=1.5", "1.5.0", False),
        ("~=1.4.2", "1.4.9", True),
        ("~=1.4.2", "1.5", False),
        ("~=1.4", "1.9", True),
        (">1.5", "1.5.0", False),
        ("===1.0", "1.0", True),
        ("", "0", True),
        (">=4.26", "4.26.0.20261006", True),
    ],
)
def test_a_version_is_within_its_bounds_or_not(bounds: str, version: str, within: bool) -> None:
    assert read_requirement(f"thing{bounds}").admits(version) is within


@pytest.mark.parametrize(
    ("marker", "extra", "holds"),
    [
        ("python_version < '3.12'", "", True),
        ("python_version < '3.9'", "", False),
        ("python_version >= '3.9'", "", True),
        ("extra == 'workbench'", "", False),
        ("extra == 'workbench'", "workbench", True),
        ("(sys_platform == 'linux' and platform_machine == 'x86_64') or sys_platform == 'win32'", "", True),
        ("sys_platform == 'darwin' and platform_machine == 'x86_64'", "", False),
        ("'linux' in sys_platform", "", True),
        ("sys_platform not in 'win32 darwin'", "", True),
    ],
)
def test_a_marker_tells_where_a_requirement_holds(marker: str, extra: str, holds: bool) -> None:
    assert read_requirement(f"thing>=1; {marker}").holds(HERE, extra) is holds


def test_extras_of_a_requirement_are_known() -> None:
    found = read_requirement("uvicorn[standard, more] >=0.2 ; python_version >= '3.8'")
    assert (found.name, found.extras, str(found)) == ("uvicorn", ("standard", "more"), "uvicorn>=0.2")


@pytest.mark.parametrize("marker", ["unheard_of == '1'", "python_version", "sys_platform < 'm'", "'1' is '1'", "(("])
def test_a_marker_that_is_not_understood_is_said_and_not_guessed(marker: str) -> None:
    with pytest.raises(ValueError, match=r"marker|known"):
        read_requirement(f"thing; {marker}").holds(HERE)


numbers = st.lists(st.integers(0, 99), min_size=1, max_size=4)


@given(numbers, numbers)
def test_bounds_order_versions_by_their_numbers(left: list[int], right: list[int]) -> None:
    one, other = (".".join(map(str, each)) for each in (left, right))
    width = max(len(left), len(right))
    padded = [each + [0] * (width - len(each)) for each in (left, right)]
    assert read_requirement(f"thing<{other}").admits(one) is (padded[0] < padded[1])
    assert read_requirement(f"thing>={other}").admits(one) is (padded[0] >= padded[1])
    assert read_requirement(f"thing=={other}").admits(one) is (padded[0] == padded[1])
