"""Checks of the ADS1232's driver against the chip of its data sheet; run one by name under MicroPython."""

from tests.firmware.models.ads1232_chip import Ads1232Chip
from tests.firmware.models.bench import Bench, run
from tests.firmware.models.wire import Interruption

from iastm_firmware.drivers.ads1232 import ADS1232

WRAP_US = 1 << 30
# The first conversion after a start is found by asking, twice where the start is left to `next_conversion`.
LATE_AGAIN_US = 5000


def made(start_us=0, **chip):
    """Return a bench with a driver that is not started yet."""

    def make_driver(_world, time, there):
        return ADS1232(there.data, there.clock, there.power_down, time, rate_hz=chip.get("rate_hz", 80))

    return Bench(lambda world: Ads1232Chip(world, **chip), make_driver, start_us)


def check_every_count_over_the_whole_range():
    for clock_error in (-100, 0, 100):
        bench = made(clock_error=clock_error).start()
        assert bench.reader.run(3000) > 150
        bench.no_error()
        places = bench.tells_all(300)
        assert places == list(range(places[0], places[0] + len(places)))
        assert bench.driver.voided == 0


def check_ten_a_second():
    # Settling and calibration alone take 1.2 s: the start may leave them to what comes after.
    bench = made(rate_hz=10).start()
    assert bench.driver.rate_mhz == 10_000
    assert bench.reader.run(12_000) > 90
    bench.tells_all(300)


def check_it_is_calibrated_before_it_tells():
    for before_ms in (0, 1, 500):
        bench = made()
        bench.world.advance(before_ms * 1_000_000)
        bench.start()
        assert bench.reader.run(1000) > 50
        assert bench.chip.calibrations == 1
        bench.tells_all(300)
        bench.start()
        assert bench.reader.run(1000) > 50
        assert bench.chip.calibrations == 2
        bench.follows_rules()
        bench.reader.places(LATE_AGAIN_US)


def check_a_busy_board_reads_whole_bits():
    bench = made().start()
    Interruption(bench.world, 333_000, 100_000)
    assert bench.reader.run(2000) > 120
    bench.no_error()
    bench.tells_all(600)


def check_a_late_reading_counts_what_it_missed():
    for clock_error in (-100, 0, 100):
        bench = made(clock_error=clock_error).start()
        bench.counts_what_a_delay_misses((12, 15, 18, 23, 25, 29, 38, 55, 127, 298))


def check_a_reading_cut_by_the_next_one_is_voided():
    bench = made().start()
    bench.reader.run(1500)
    for before_us in range(400, 0, -25):
        bench.reader.run(100)
        came = len(bench.reader.readings)
        while len(bench.reader.readings) == came:
            bench.reader.ask()
            bench.world.advance(50_000)
        end_ns = bench.chip.truth.times_ns[bench.chip.truth.made - 1] + 2 * bench.chip.period_ns
        bench.world.hold_up(end_ns - before_us * 1000 - bench.world.now_ns)
    bench.reader.run(500)
    bench.no_error()
    bench.reader.places(bench.chip.period_ns // 1000 + 200)
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


def check_a_chip_that_is_away_takes_no_memory():
    made().start().keeps_no_memory_while_away()


def check_a_reset_in_mid_run_tells_nothing_untrue():
    bench = made().start()
    bench.reader.run(1000)
    bench.chip.plug()
    bench.reader.run(2500)
    assert bench.reader.run(1000) > 60
    bench.follows_rules()
    bench.reader.places(LATE_AGAIN_US)
    bench.tells_time()


def check_no_conversion_takes_memory():
    made().start().allocates_nothing(1000, 2_000_000)


def check_ticks_may_wrap_in_mid_stream():
    bench = made(start_us=WRAP_US - 1_500_000).start()
    assert bench.reader.run(4000) > 250
    bench.no_error()
    bench.tells_all(300)
    ticks = [reading[1] for reading in bench.reader.readings]
    assert ticks[0] > ticks[-1]


def check_nothing_is_lost_while_nobody_asks():
    bench = made().start()
    bench.reader.run(1500)
    bench.world.advance(2_800_000_000)
    bench.reader.run(100)
    places = bench.tells_all(300)
    assert places == list(range(places[0], places[0] + len(places)))


def check_a_full_queue_counts_what_it_lost():
    bench = made().start()
    bench.reader.run(1500)
    bench.world.advance(4_500_000_000)
    bench.reader.run(500)
    bench.tells_all(300)
    assert sum([missed for _, _, missed in bench.reader.readings]) > 50


def check_stopped_is_powered_down():
    bench = made().start()
    bench.reader.run(500)
    bench.driver.stop()
    assert not bench.chip.power_down.level
    bench.world.advance(100_000_000)
    bench.start()
    assert bench.reader.run(1000) > 50
    bench.follows_rules()
    bench.reader.places(LATE_AGAIN_US)


run(globals())
