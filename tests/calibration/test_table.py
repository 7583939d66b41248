from __future__ import annotations

from fractions import Fraction

import pytest

from iastm_calibration.errors import CalibrationError, NotANumberError, TableError
from iastm_calibration.table import read_points


@pytest.mark.parametrize(
    "text",
    [
        "reference,reading\n0.1,2\n3e2,-4\n",
        "\ufeffReference ; READING\n0.1;2\n3e2;-4\n",
        "reading\treference\n2\t0.1\n-4\t3e2\n",
        "# unit: N\n\nnote,reading,reference\nfirst,2,0.1\n# pause\nsecond, -4 ,3e2\n",
        'reference,reading\r\n"0.1","2"\r\n3e2,-4\r\n',
    ],
)
def test_columns_are_found_by_name_and_numbers_stay_exact(text: str) -> None:
    points = read_points(text)
    assert points.reference == (Fraction(1, 10), Fraction(300))
    assert points.reading == (Fraction(2), Fraction(-4))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", TableError, "empty"),
        ("# only a note\n", TableError, "empty"),
        ("load,reading\n1,2\n", TableError, "reference is missing"),
        ("reference,reading\n1,2\n1,2,1\n", TableError, "Line 3 has more cells"),
        ("reference\n1\n", TableError, "reading is missing"),
        ("reference,reading,reading\n1,2,3\n", TableError, "reading is there twice"),
        ("reference,reading\n1,2\n3,x12\n", TableError, "Line 3, reading is no number: x12"),
        ("reference,reading\n1 N,2\n", TableError, "Line 2, reference is no number: 1 N"),
        ("reference;reading\n1,5;2\n", TableError, "no number: 1,5"),
        ("reference,reading\n1/3,2\n", TableError, "no number"),
        ("reference,reading\n1,\n", TableError, "Line 2, reading is empty"),
        ("reference,reading\n1\n", TableError, "Line 2, reading is empty"),
        ("reference,reading\n1,nan\n", NotANumberError, "Line 2, reading is nan"),
        ("reference,reading\n-inf,1\n", NotANumberError, "is -inf"),
        ("reference,reading\n1e999999999,1\n", NotANumberError, "reference"),
        ("reference,reading\n1e200,1\n", TableError, "mistyped exponent"),
        ("reference,reading\n1e-200,1\n", TableError, "mistyped exponent"),
        ("reference,reading\n" + "1" * 5000 + ",1\n", CalibrationError, "Line 2"),
        ('reference,reading\n"1,2\n', TableError, "Mend its quotes"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused_with_its_line(
    text: str, error: type[CalibrationError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_points(text)


def test_a_number_too_small_to_tell_from_zero_is_zero() -> None:
    assert read_points("reference,reading\n1e-999999999,1\n").reference == (Fraction(0),)


def test_columns_as_nist_writes_them_are_understood() -> None:
    table = read_points("y,x\n2,1\n4,3\n")
    assert table.reference == (Fraction(1), Fraction(3))
    assert table.reading == (Fraction(2), Fraction(4))
