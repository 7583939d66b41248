from __future__ import annotations

import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.canonical import canonical, opened, parse, require_schema, sealed, sha256_of
from iastm_calibration.errors import AlteredError, DocumentError, NewerSchemaError

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


# RFC 8785, appendix B.
@pytest.mark.parametrize(
    ("bits", "written"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_rfc_8785_lists_them(bits: str, written: str) -> None:
    [number] = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number) == written.encode()


# RFC 8785, 3.2.2 and 3.2.3.
def test_strings_and_the_order_of_keys_are_those_of_rfc_8785() -> None:
    text = r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    assert canonical(json.loads(text)).decode() == (
        r'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r'"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'
    )
    keys = ["€", "\r", "\ufb33", "1", "\U0001f600", "\x80", "ö"]
    assert list(json.loads(canonical(dict.fromkeys(keys)))) == ["\r", "1", "\x80", "ö", "€", "\U0001f600", "\ufb33"]


@given(JSON)
def test_canonical_json_means_the_same_and_is_its_own_canonical_form(value: object) -> None:
    written = canonical(value)  # type: ignore[arg-type]
    # Whole numbers are doubles too, and written with the digits that tell them apart.
    again = json.loads(written, parse_int=float)
    assert again == json.loads(json.dumps(value), parse_int=float)
    assert canonical(again) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, "\ud800", {"\udfff": 1}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(DocumentError, match="no JSON that can be read"):
        canonical({"a": [value]} if not isinstance(value, dict) else value)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("[1]", "not one object"),
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": -Infinity}', "no number of JSON"),
        ('{"a": 1, "a": 1}', "a key is there twice"),
        ('{"a": {"b": 1, "b": 2}}', "a key is there twice"),
        ('{"a": 1} {}', "Extra data"),
        ('{"a": ' + "[" * 100_000, "no JSON"),
        ('{"a": ' + "1" * 5000 + "}", "no JSON"),
    ],
)
def test_a_text_that_is_no_object_of_json_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        parse(text)


@pytest.mark.parametrize("depth", [10, 300, 900, 1100, 3000, 9000, 100_000])
def test_however_deep_a_file_is_nested_it_is_read_or_refused_with_words(depth: int) -> None:
    text = '{"sha256": "", "a": ' + "[" * depth + "]" * depth + "}"
    with pytest.raises(DocumentError, match="stays in force"):
        opened(parse(text))


def test_a_mark_of_byte_order_before_the_text_is_passed_over() -> None:
    assert parse('\ufeff{"a": 1}') == {"a": 1}


@given(st.dictionaries(st.text().filter(lambda key: key != "sha256"), JSON, max_size=4))
def test_a_file_opens_to_the_content_it_was_sealed_with(fields: dict[str, object]) -> None:
    content = canonical(fields)  # type: ignore[arg-type]
    text = sealed(content, order=fields)
    assert text.startswith('{\n  "sha256": "' + sha256_of(content).hex())
    assert opened(parse(text)) == content


def test_a_file_with_another_hash_or_none_is_refused_with_what_stays_in_force() -> None:
    with pytest.raises(AlteredError, match=r"hash does not fit.*calibration in force stays in force"):
        opened({"a": 1, "sha256": sha256_of(b'{"a":2}').hex()})
    with pytest.raises(AlteredError):
        opened({"a": 1, "sha256": None})
    with pytest.raises(DocumentError, match="carries no hash"):
        opened({"a": 1})


def test_a_newer_schema_asks_for_an_update_and_none_is_no_document() -> None:
    require_schema({"schema": 2}, 2, "list")
    with pytest.raises(NewerSchemaError, match=r"list is of schema 3; this toolkit knows up to 2. Update the toolkit"):
        require_schema({"schema": 3}, 2, "list")
    for fields in ({}, {"schema": 0}, {"schema": True}, {"schema": "2"}, {"schema": None}, {"schema": 1.5}):
        with pytest.raises(DocumentError, match="names no schema"):
            require_schema(fields, 2, "list")  # type: ignore[arg-type]
