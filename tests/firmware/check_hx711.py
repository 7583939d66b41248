"""Checks of the HX711's driver against the chip of its data sheet; run one by name under MicroPython."""

from tests.firmware.models.bench import Bench, run
from tests.firmware.models.hx711_chip import Hx711Chip
from tests.firmware.models.wire import Interruption

from iastm_firmware.drivers.hx711 import HX711

WRAP_US = 1 << 30
# The first conversion after a start is found by asking, twice where the start is left to `next_conversion`.
LATE_AGAIN_US = 5000


def made(start_us=0, driver_rate_hz=None, gain=128, **chip):
    """Return a bench with a driver that is not started yet."""
    rate_hz = driver_rate_hz or chip.get("rate_hz", 80)

    def make_driver(world, time, there):
        return HX711(
            there.data,
            there.clock,
            time,
            rate_hz=rate_hz,
            gain=gain,
            irq_off=world.disable_irq,
            irq_on=world.enable_irq,
        )

    return Bench(lambda world: Hx711Chip(world, wanted_gain=gain, **chip), make_driver, start_us)


def check_every_count_over_the_whole_range():
    for clock_error in (-100, 0, 100):
        bench = made(clock_error=clock_error).start()
        assert bench.reader.run(2500) > 150
        bench.no_error()
        places = bench.tells_all(200)
        assert places == list(range(places[0], places[0] + len(places)))
        assert bench.driver.voided == 0


def check_ten_a_second():
    bench = made(rate_hz=10).start()
    assert bench.driver.rate_mhz == 10_000
    assert bench.reader.run(12_000) > 100
    bench.tells_all(200)


def check_every_gain():
    for gain in (128, 64, 32):
        for settled_first in (True, False):
            bench = made(gain=gain, settled_first=settled_first).start()
            assert bench.reader.run(1000) > 60, gain
            bench.tells_all(200)


def check_a_board_that_sets_the_other_rate_is_followed():
    for told_hz, rate_hz in ((80, 10), (10, 80)):
        for settled_first in (True, False):
            bench = made(driver_rate_hz=told_hz, rate_hz=rate_hz, settled_first=settled_first).start()
            assert bench.reader.run(4000) > 3 * rate_hz
            bench.no_error()
            bench.tells_all(200)


def check_nothing_unsettled_is_told():
    for rate_hz, before_ms in ((80, 0), (80, 3), (80, 1000), (10, 0), (10, 1234)):
        for unread_pulse_ns in (0, 20_000):
            bench = made(rate_hz=rate_hz, settled_first=False, unread_pulse_ns=unread_pulse_ns)
            bench.world.advance(before_ms * 1_000_000)
            bench.start()
            assert bench.reader.run(1500) > 8
            bench.tells_all(200)
            # Started again while it runs.
            bench.start()
            assert bench.reader.run(1500) > 8
            bench.follows_rules()
            bench.reader.places(LATE_AGAIN_US)


def check_a_busy_board_stretches_no_pulse():
    bench = made().start()
    Interruption(bench.world, 333_000, 100_000)
    assert bench.reader.run(2000) > 130
    bench.no_error()
    bench.tells_all(600)
    assert bench.driver.voided == 0
    assert bench.chip.resets <= 2


def check_interrupts_are_off_for_one_pulse_only():
    bench = made().start()
    bench.reader.run(500)
    assert 0 < bench.world.longest_off_ns < 50_000


def check_a_pulse_too_long_voids_its_reading():
    for gain in (128, 64):
        for span_us, settled_first in ((52, True), (58, False), (70, True), (300, False)):
            bench = made(gain=gain, settled_first=settled_first).start()
            bench.reader.run(500)
            # Every third pulse of a read, and those that choose the gain.
            for pulse in (1, 4, 7, 10, 13, 16, 19, 22, 24, 25):
                voided = bench.driver.voided
                bench.chip.clock.stretch_ns = span_us * 1000
                bench.chip.clock.stretch_at = pulse
                bench.reader.run(260)
                assert bench.driver.voided > voided, f"pulse {pulse} of {span_us} us"
            assert bench.reader.run(500) > 35
            bench.follows_rules()
            bench.no_error()
            bench.reader.places(LATE_AGAIN_US)
            bench.tells_time()


def check_a_late_reading_counts_what_it_missed():
    for clock_error in (-100, 0, 100):
        bench = made(clock_error=clock_error, unread_pulse_ns=20_000).start()
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
        # Up to shortly before the end of the next conversion but one: its data come amid the bits of the late read.
        end_ns = bench.chip.truth.times_ns[bench.chip.truth.made - 1] + 2 * bench.chip.period_ns
        bench.world.hold_up(end_ns - before_us * 1000 - bench.world.now_ns)
    bench.reader.run(500)
    bench.follows_rules()
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


def check_a_chip_that_comes_late_is_taken():
    bench = made()
    bench.chip.unplug()
    bench.refuses()
    bench.reader.run(2500)
    assert bench.reader.errors
    bench.chip.plug()
    bench.reader.run(2500)
    assert bench.reader.run(1000) > 60
    bench.follows_rules()
    bench.reader.places(LATE_AGAIN_US)


def check_a_chip_that_is_away_takes_no_memory():
    made().start().keeps_no_memory_while_away()


def check_a_reset_in_mid_run_tells_nothing_untrue():
    # Of a chip that goes on without a pause, nobody can tell that it was reset.
    for gain in (128, 64, 32):
        bench = made(gain=gain).start()
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
    bench.tells_all(200)
    ticks = [reading[1] for reading in bench.reader.readings]
    assert ticks[0] > ticks[-1]


def check_nothing_is_lost_while_nobody_asks():
    bench = made().start()
    bench.reader.run(1500)
    bench.world.advance(2_800_000_000)
    bench.reader.run(100)
    places = bench.tells_all(200)
    assert places == list(range(places[0], places[0] + len(places)))


def check_a_full_queue_counts_what_it_lost():
    bench = made().start()
    bench.reader.run(1500)
    bench.world.advance(4_500_000_000)
    bench.reader.run(500)
    bench.tells_all(200)
    assert sum([missed for _, _, missed in bench.reader.readings]) > 50


def check_stopped_is_powered_down():
    bench = made().start()
    bench.reader.run(500)
    bench.driver.stop()
    bench.world.advance(1_000_000)
    assert bench.chip.powered_down
    bench.start()
    assert bench.reader.run(1000) > 60
    bench.follows_rules()
    bench.reader.places(LATE_AGAIN_US)


run(globals())
