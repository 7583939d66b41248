import pytest

from iastm_host.bench.bench import Bench
from iastm_host.bench.hands import POUND_KG, Hands, Mistake, Slip
from iastm_host.bench.truth import draw

RATE_HZ = 320
LOADS_KG = (0.1, 0.2, 0.5, 1.0, 1.5)


class Guide:
    """Shows one picture after another, each until the hands have nothing left to do."""

    def __init__(self, *mistakes, seed=1, against_gauge=False):
        self.bench = Bench(draw(1), 1, RATE_HZ)
        self.hands = Hands(self.bench, seed, LOADS_KG, mistakes, against_gauge=against_gauge)

    def show(self, kind, mass_kg=None, angle_deg=90.0):
        """Return how long the hands took, in seconds."""
        begun_s = self.bench.now_s
        while not self.hands.look(kind, mass_kg, angle_deg):
            assert self.bench.now_s - begun_s < 30, "the hands never finish"
            self.bench.next_rows(RATE_HZ // 10)
        return self.bench.now_s - begun_s

    def hung_after(self, *loads_kg):
        hung = []
        for load_kg in loads_kg:
            self.show("load", load_kg)
            hung.append(self.bench.hung_kg)
        return hung


def test_hands_do_what_is_shown_after_a_human_while():
    guide = Guide()
    assert guide.show("zero") < 2.2
    assert guide.hands.done == []
    for load_kg in LOADS_KG:
        assert 1.7 < guide.show("load", load_kg) < 3.3
        assert guide.bench.hung_kg == load_kg
    guide.show("zero")
    assert guide.bench.hung_kg == 0
    assert guide.hands.done == [f"loaded {load_kg:g} kg" for load_kg in LOADS_KG] + ["took off"]


def test_nothing_is_done_before_its_time_nor_twice():
    guide = Guide()
    assert not guide.hands.look("load", 0.5, 90.0)
    assert guide.bench.hung_kg == 0
    guide.show("load", 0.5)
    done = list(guide.hands.done)
    for _ in range(50):
        guide.bench.next_rows(32)
        assert guide.hands.look("load", 0.5, 90.0)
    assert guide.hands.done == done


def test_hands_say_that_it_is_done_only_once_it_shows():
    guide = Guide()
    guide.show("load", 0.5)
    guide.bench.next_rows(3 * RATE_HZ)
    guide.show("zero")
    force_n = guide.bench.true_force_n(round(guide.bench.now_s * RATE_HZ) - 1, round(guide.bench.now_s * RATE_HZ))
    assert abs(force_n[0]) < 0.2


def test_a_new_picture_before_the_last_was_followed_is_what_counts():
    guide = Guide()
    guide.hands.look("load", 0.5, 90.0)
    guide.show("load", 1.0)
    assert guide.hands.done == ["loaded 1 kg"]


def test_a_tool_is_unloaded_before_it_is_turned_and_seated():
    guide = Guide()
    guide.show("load", 1.5)
    assert 2.9 < guide.show("turn", None, 45.0) < 5.3
    assert (guide.bench.hung_kg, guide.bench.angle_deg) == (0, 45)
    guide.show("load", 0.2, 45.0)
    guide.show("seat", None, 90.0)
    assert (guide.bench.hung_kg, guide.bench.angle_deg) == (0, 90)
    assert guide.hands.done == [
        "loaded 1.5 kg",
        "took off",
        "turned to 45°",
        "loaded 0.2 kg",
        "seated",
        "turned to 90°",
    ]


def test_the_tool_is_seated_once_each_time_that_is_shown():
    guide = Guide()
    for kind in ("seat", "seat", "zero", "seat"):
        guide.show(kind)
    assert guide.hands.done == ["seated", "seated"]


def test_a_seed_takes_its_time_the_same_way_and_another_one_otherwise():
    took = [[Guide(seed=seed).show("load", 0.1 * n) for n in range(1, 8)] for seed in (1, 1, 2, 3, 4)]
    assert took[0] == took[1]
    assert len({tuple(times) for times in took}) > 1


def test_a_wrong_load_is_hung_once_and_mended_when_noticed():
    guide = Guide(Mistake(2, Slip.WRONG_LOAD, 0.7))
    assert guide.hung_after(0.1, 0.2) == [0.1, 0.7]
    guide.hands.notice()
    assert guide.hung_after(0.2, 0.5) == [0.2, 0.5]


def test_swapped_loads_are_each_hung_where_the_other_is_asked_for():
    guide = Guide(Mistake(3, Slip.SWAPPED))
    assert guide.hung_after(*LOADS_KG) == [0.1, 0.2, 1.0, 0.5, 1.5]
    assert guide.hung_after(1.0, 0.5) == [1.0, 0.5]


def test_the_heaviest_is_swapped_with_the_next_lighter_and_noticing_ends_it():
    guide = Guide(Mistake(1, Slip.SWAPPED))
    assert guide.hung_after(1.5) == [1.0]
    guide.hands.notice()
    assert guide.hung_after(1.5, 1.0) == [1.5, 1.0]


def test_who_forgets_leaves_what_hangs():
    guide = Guide(Mistake(2, Slip.FORGETS))
    assert guide.hung_after(0.1, 0.2) == [0.1, 0.1]
    guide.hands.notice()
    assert guide.hung_after(0.2) == [0.2]


@pytest.mark.parametrize("slip", [Slip.FORGETS, Slip.WRONG_LOAD, Slip.WRONG_UNIT, Slip.SWAPPED])
def test_who_was_wrong_looks_again_where_the_guide_waits_on(slip):
    guide = Guide(Mistake(2, slip, 0.7))
    assert guide.hung_after(0.1, 0.2) != [0.1, 0.2]
    guide.bench.next_rows(7 * RATE_HZ)
    assert guide.hands.look("load", 0.2, 90.0)
    guide.bench.next_rows(4 * RATE_HZ)
    assert not guide.hands.look("load", 0.2, 90.0)
    assert guide.hung_after(0.2, 0.5) == [0.2, 0.5]


def test_a_scale_in_pounds_spoils_all_loads_until_it_is_noticed():
    guide = Guide(Mistake(2, Slip.WRONG_UNIT))
    assert guide.hung_after(0.1, 0.2, 0.5) == pytest.approx([0.1, 0.2 * POUND_KG, 0.5 * POUND_KG])
    guide.hands.notice()
    assert guide.hung_after(0.5, 1.0) == [0.5, 1.0]


def test_a_hand_that_leans_on_the_tool_spoils_the_force_for_some_seconds():
    guide = Guide(Mistake(1, Slip.TOUCHES))
    clean = Guide()
    took_s = guide.show("load", 0.5)
    assert took_s > 5
    assert guide.hands.done == ["loaded 0.5 kg", "touched", "let go"]
    clean.show("load", 0.5)
    for bench in (guide.bench, clean.bench):
        bench.next_rows(8 * RATE_HZ)
    pull_n = clean.bench.next_rows(1)[0][0]
    index = round((took_s - 3) * RATE_HZ)
    assert guide.bench.true_force_n(index, index + 1)[0] > pull_n + 0.5
    assert guide.bench.next_rows(1)[0][0] == pytest.approx(pull_n, abs=1e-5)


def test_noticing_takes_a_leaning_hand_away():
    guide = Guide(Mistake(1, Slip.TOUCHES))
    while "touched" not in guide.hands.done:
        guide.hands.look("load", 0.5, 90.0)
        guide.bench.next_rows(32)
    guide.hands.notice()
    guide.hands.look("load", 0.5, 90.0)
    assert guide.hands.done[-1] == "let go"


def test_against_a_gauge_hands_press_what_the_loads_would_pull():
    guide = Guide(Mistake(2, Slip.TOUCHES), against_gauge=True)
    for load_kg in (0.5, 1.0):
        guide.show("load", load_kg)
        guide.bench.next_rows(8 * RATE_HZ)
        force_n = guide.bench.next_rows(2 * RATE_HZ)[0]
        assert force_n.mean() == pytest.approx(guide.bench.truth.pull_n(load_kg), rel=0.004)
    assert guide.bench.hung_kg == 0
    guide.show("zero")
    guide.bench.next_rows(8 * RATE_HZ)
    assert abs(guide.bench.next_rows(1)[0][0]) < 1e-5
    assert guide.hands.done[-1] == "let go"
