"""Checks of the ADS1220's driver against the chip of its data sheet; run one by name under MicroPython."""

from tests.firmware.models.ads1220_chip import Ads1220Chip
from tests.firmware.models.bench import Bench, run
from tests.firmware.models.wire import SPI, Interruption

from iastm_firmware.drivers.ads1220 import ADS1220

WRAP_US = 1 << 30
# The first conversion after a start is found by asking, twice where the start is left to `next_conversion`.
LATE_AGAIN_US = 5000


# VREF of register 2.
REFERENCES = {"ratiometric": 2, "REFP0-REFN0": 1, "supply": 3, "internal": 0}
# MUX of register 0.
INPUTS = {"AIN0-AIN1": 0, "AIN1-AIN2": 3, "AIN2-AIN3": 5}


def made(start_us=0, rate_hz=330, gain=128, reference="ratiometric", inputs="AIN1-AIN2", **chip):
    """Return a bench with a driver that is not started yet."""

    def make_chip(world):
        return Ads1220Chip(
            world,
            wanted_rate_hz=rate_hz,
            wanted_gain=gain,
            wanted_inputs=INPUTS[inputs],
            wanted_reference=REFERENCES[reference],
            **chip,
        )

    def make_driver(world, time, there):
        bus = SPI(world, there)
        return ADS1220(
            bus, there.select, there.ready, time, rate_hz=rate_hz, gain=gain, reference=reference, inputs=inputs
        )

    return Bench(make_chip, make_driver, start_us)


def check_every_count_over_the_whole_range():
    for clock_error in (-100, 0, 100):
        bench = made(clock_error=clock_error).start()
        assert bench.reader.run(1000) > 280
        bench.no_error()
        places = bench.tells_all(300)
        assert places == list(range(places[0], places[0] + len(places)))
        assert bench.driver.voided == 0


def check_every_rate():
    for rate_hz in (20, 45, 90, 175, 330, 600, 1000, 2000):
        bench = made(rate_hz=rate_hz).start()
        assert abs(bench.driver.rate_mhz - rate_hz * 1000) <= rate_hz * 30
        span_ms = 1500 if rate_hz < 100 else 300
        assert bench.reader.run(span_ms) > span_ms * rate_hz // 1250
        bench.no_error()
        bench.tells_all(300)


def check_every_gain_reference_and_input():
    benches = [made(gain=1 << i) for i in range(8)]
    benches += [made(reference=name) for name in REFERENCES]
    benches += [made(inputs=name) for name in INPUTS]
    for bench in benches:
        bench.start()
        assert bench.reader.run(100) > 20
        bench.tells_all(300)


def check_a_chip_that_is_not_there_is_refused():
    for level in (0, 1):
        bench = made()
        bench.chip.unplug(level)
        bench.refuses()


def check_a_chip_that_goes_comes_back():
    for level in (1, 0):
        bench = made().start()
        bench.comes_back(lambda there=bench.chip, to=level: there.unplug(to), bench.chip.plug, LATE_AGAIN_US)


def check_a_chip_that_comes_late_is_taken():
    bench = made()
    bench.chip.unplug()
    bench.refuses()
    bench.reader.run(2500)
    assert bench.reader.errors
    bench.chip.plug()
    bench.reader.run(3000)
    assert bench.reader.run(1000) > 280
    bench.follows_rules()
    bench.reader.places(LATE_AGAIN_US)


def check_a_chip_that_is_away_takes_no_memory():
    made().start().keeps_no_memory_while_away()


def check_a_reset_in_mid_run_tells_nothing_untrue():
    bench = made().start()
    bench.reader.run(1000)
    bench.chip.plug()
    bench.reader.run(3000)
    assert bench.reader.run(1000) > 280
    bench.reader.places(LATE_AGAIN_US)
    bench.tells_time()


def check_a_busy_board_tells_the_same():
    bench = made().start()
    Interruption(bench.world, 333_000, 100_000)
    assert bench.reader.run(1000) > 280
    bench.no_error()
    bench.tells_all(600)


def check_a_late_reading_counts_what_it_missed():
    for rate_hz, clock_error in ((175, -50), (330, 0), (1000, 50)):
        bench = made(rate_hz=rate_hz, clock_error=clock_error).start()
        bench.counts_what_a_delay_misses((15, 25, 38, 55, 127, 298))


def check_a_late_reading_is_never_cut_by_the_next_one():
    bench = made().start()
    bench.reader.run(500)
    for before_us in range(120, 0, -5):
        bench.reader.run(30)
        came = len(bench.reader.readings)
        while len(bench.reader.readings) == came:
            bench.reader.ask()
            bench.world.advance(50_000)
        end_ns = bench.chip.truth.times_ns[bench.chip.truth.made - 1] + 2 * bench.chip.period_ns
        bench.world.hold_up(end_ns - before_us * 1000 - bench.world.now_ns)
    bench.reader.run(200)
    bench.follows_rules()
    bench.no_error()
    bench.reader.places(bench.chip.period_ns // 1000 + 200)
    bench.tells_time()


def check_no_conversion_takes_memory():
    made().start().allocates_nothing(1000)


def check_ticks_may_wrap_in_mid_stream():
    bench = made(start_us=WRAP_US - 500_000).start()
    assert bench.reader.run(1000) > 280
    bench.no_error()
    bench.tells_all(300)
    ticks = [reading[1] for reading in bench.reader.readings]
    assert ticks[0] > ticks[-1]


def check_nothing_is_lost_while_nobody_asks():
    bench = made().start()
    bench.reader.run(500)
    bench.world.advance(700_000_000)
    bench.reader.run(100)
    places = bench.tells_all(300)
    assert places == list(range(places[0], places[0] + len(places)))


def check_a_full_queue_counts_what_it_lost():
    bench = made().start()
    bench.reader.run(500)
    bench.world.advance(1_500_000_000)
    bench.reader.run(500)
    bench.tells_all(300)
    assert sum([missed for _, _, missed in bench.reader.readings]) > 100


def check_stopped_makes_no_conversion():
    bench = made().start()
    bench.reader.run(200)
    bench.driver.stop()
    conversions = bench.chip.truth.made
    bench.world.advance(200_000_000)
    assert bench.chip.truth.made == conversions
    bench.start()
    assert bench.reader.run(1000) > 280
    bench.follows_rules()
    bench.reader.places(LATE_AGAIN_US)


run(globals())
