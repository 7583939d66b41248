from hypothesis import given
from hypothesis import strategies as st

from iastm_host.analysis.alert_log import AlertLog
from iastm_host.events import Alert, Stroke


def alert(kind, index, late=False, boot_id=1):
    return Alert(boot_id, kind, "cue", index, index * 3125, late)


def stroke(first, last, boot_id=1):
    return Stroke(boot_id, first, last, first, 0, 0, 0, 1.0, 1.0, 1.0, False)


def logged(*items):
    log = AlertLog()
    for item in items:
        if isinstance(item, Stroke):
            log.settle(item)
        else:
            log.add(item)
    return [(a.kind, a.index) for a in log.alerts]


def test_a_warn_that_becomes_an_alarm_counts_once():
    assert logged(alert("warn", 10), alert("alarm", 14)) == [("alarm", 14)]


def test_a_warn_of_an_earlier_stroke_stays():
    assert logged(alert("warn", 10), stroke(5, 20), alert("warn", 40), alert("alarm", 44), stroke(35, 60)) == [
        ("warn", 10),
        ("alarm", 44),
    ]


def test_a_warn_of_a_touch_too_short_to_be_a_stroke_stays():
    assert logged(alert("warn", 10), alert("warn", 40), alert("alarm", 44)) == [("warn", 10), ("alarm", 44)]


def test_a_settled_warn_is_not_taken_by_a_later_alarm():
    assert logged(alert("warn", 10), stroke(5, 20), alert("alarm", 44)) == [("warn", 10), ("alarm", 44)]


def test_other_kinds_and_other_boots_are_left_alone():
    assert logged(alert("warn", 10, boot_id=2), alert("saturated", 11), alert("alarm", 12)) == [
        ("warn", 10),
        ("saturated", 11),
        ("alarm", 12),
    ]


def test_what_was_decided_live_and_again_in_index_order_counts_once_as_live():
    log = AlertLog()
    live = alert("alarm", 150)
    for decided in (
        alert("warn", 100),
        alert("warn", 150),
        live,
        alert("warn", 100, late=True),
        alert("alarm", 120, late=True),
    ):
        log.add(decided)
    log.settle(stroke(90, 200))
    assert log.alerts == (live,)


def test_a_late_alert_stands_where_no_live_one_was():
    late = alert("alarm", 120, late=True)
    log = AlertLog()
    log.add(alert("warn", 100, late=True))
    log.add(late)
    log.settle(stroke(90, 200))
    assert log.alerts == (late,)


@given(st.lists(st.sampled_from(["warn", "alarm"]), min_size=1, max_size=30))
def test_each_stroke_counts_once(levels):
    log = AlertLog()
    for number, level in enumerate(levels):
        log.add(alert("warn", number * 100 + 10))
        if level == "alarm":
            log.add(alert("alarm", number * 100 + 20))
        log.settle(stroke(number * 100, number * 100 + 50))
    assert [a.kind for a in log.alerts] == levels
