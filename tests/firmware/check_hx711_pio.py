"""Checks of the HX711's driver by a state machine; run one by name under MicroPython."""

from tests.firmware.models.bench import Bench, run
from tests.firmware.models.hx711_chip import Hx711Chip
from tests.firmware.models.state_machine import StateMachine

# After the stand-in for the module rp2.
from iastm_firmware.drivers.hx711_pio import HX711Pio

# The first conversion after a start is found by asking, twice where the start is left to `next_conversion`.
LATE_AGAIN_US = 5000


def made(driver_rate_hz=80, **chip):
    """Return a bench with a driver that is not started yet."""

    def make_driver(world, time, there):
        StateMachine.world = world
        return HX711Pio(0, there.data, there.clock, time, rate_hz=driver_rate_hz)

    return Bench(lambda world: Hx711Chip(world, **chip), make_driver)


def check_every_count_over_the_whole_range():
    for clock_error in (-100, 0, 100):
        bench = made(clock_error=clock_error).start()
        assert bench.reader.run(1500) > 90
        bench.no_error()
        places = bench.tells_all(200)
        assert places == list(range(places[0], places[0] + len(places)))
        assert bench.driver.voided == 0


def check_nothing_unsettled_is_told():
    for rate_hz in (80, 10):
        bench = made(rate_hz=rate_hz, settled_first=False).start()
        assert bench.reader.run(2000) > 8
        bench.no_error()
        bench.tells_all(200)


def check_nothing_is_lost_while_the_board_is_held_up_for_less_than_its_queue():
    bench = made().start()
    bench.reader.run(1200)
    for periods in (1, 2, 4, 6):
        bench.reader.run(100)
        bench.world.hold_up(bench.chip.period_ns * periods + 3_000_000)
        bench.reader.run(100)
    bench.no_error()
    places = bench.tells_all(13_000, 13_000)
    assert places == list(range(places[0], places[0] + len(places)))


def check_what_a_full_queue_threw_away_is_counted():
    bench = made().start()
    bench.reader.run(1200)
    bench.world.hold_up(30 * bench.chip.period_ns + 3_000_000)
    bench.reader.run(500)
    bench.no_error()
    bench.tells_all(13_000, 13_000)
    bench.tells_time()


def check_a_chip_that_is_not_there_is_refused():
    for level in (0, 1):
        bench = made()
        bench.chip.unplug(level)
        bench.refuses()


def check_a_chip_that_goes_comes_back():
    for level in (1, 0):
        bench = made().start()
        bench.comes_back(lambda there=bench.chip, to=level: there.unplug(to), bench.chip.plug, LATE_AGAIN_US)


def check_no_conversion_takes_memory():
    made().start().allocates_nothing(150, 2_000_000)


def check_stopped_is_powered_down():
    bench = made().start()
    bench.reader.run(300)
    bench.driver.stop()
    bench.world.advance(1_000_000)
    assert bench.chip.powered_down
    assert bench.reader.run(200) == 0
    bench.start()
    assert bench.reader.run(500) > 20
    bench.follows_rules()


run(globals())
