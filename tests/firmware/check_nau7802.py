"""Checks of the NAU7802's driver against the chip of its data sheet; run one by name under MicroPython."""

from tests.firmware.models.bench import Bench, run
from tests.firmware.models.nau7802_chip import Nau7802Chip
from tests.firmware.models.wire import I2C, Interruption

from iastm_firmware.drivers.nau7802 import NAU7802

WRAP_US = 1 << 30


def made(start_us=0, pin=True, rate_hz=320, gain=128, ldo_mv=3000, **chip):
    """Return a bench with a driver that is not started yet, with its ready pin or without."""

    def make_chip(world):
        return Nau7802Chip(world, wanted_rate_hz=rate_hz, wanted_gain=gain, wanted_ldo_mv=ldo_mv, **chip)

    def make_driver(world, time, there):
        there.bus = I2C(world, there)
        ready = there.ready if pin else None
        return NAU7802(there.bus, time, ready=ready, rate_hz=rate_hz, gain=gain, ldo_mv=ldo_mv)

    return Bench(make_chip, make_driver, start_us)


def late_us(pin):
    """Without a pin a conversion is found when it is asked for, every 2 ms; see also `early_us`."""
    return 600 if pin else 3000


def early_us(pin):
    """Where the pace tells when a conversion was due, it is as sure as the asking is frequent."""
    return 100 if pin else 1000


def starts(bench):
    """Start; return whether it did."""
    try:
        bench.start()
    except OSError:
        return False
    return True


def check_every_count_over_the_whole_range():
    for pin in (True, False):
        for clock_error in (-100, 0, 100):
            bench = made(pin=pin, clock_error=clock_error).start()
            assert bench.reader.run(1000) > 270
            bench.no_error()
            places = bench.tells_all(late_us(pin), early_us(pin))
            assert places == list(range(places[0], places[0] + len(places)))
            assert bench.driver.voided == 0


def check_every_rate():
    for pin in (True, False):
        for rate_hz in (10, 20, 40, 80, 320):
            bench = made(pin=pin, rate_hz=rate_hz).start()
            assert bench.driver.rate_mhz == rate_hz * 1000
            assert bench.reader.run(20_000 // rate_hz + 1000) > 12
            bench.no_error()
            bench.tells_all(late_us(pin), early_us(pin))


def check_every_gain_and_excitation():
    for gain in (1, 2, 4, 8, 16, 32, 64, 128):
        bench = made(gain=gain).start()
        assert bench.reader.run(200) > 40
        bench.tells_all(late_us(True))
    for ldo_mv in (2400, 2700, 3000, 3300, 3600, 3900, 4200, 4500):
        bench = made(ldo_mv=ldo_mv).start()
        assert bench.driver.excitation_mv() == ldo_mv
        assert bench.reader.run(200) > 40
        bench.tells_all(late_us(True))


def check_it_is_calibrated_once():
    bench = made().start()
    bench.reader.run(500)
    assert bench.chip.calibrations == 1


def check_a_calibration_that_fails_is_told():
    bench = made()
    bench.chip.calibration_fails = 100
    bench.refuses()
    # One that fails once may be tried again; what is told is calibrated either way.
    bench = made()
    bench.chip.calibration_fails = 1
    starts(bench)
    bench.reader.run(3000)
    assert bench.reader.run(1000) > 270
    bench.follows_rules()
    bench.reader.places(late_us(False))


def check_a_calibration_that_never_ends_is_told():
    bench = made()
    bench.chip.calibration_ns = 1 << 50
    bench.refuses()


def check_a_slow_calibration_is_waited_for():
    bench = made()
    bench.chip.calibration_ns = 550_000_000
    bench.start()
    assert bench.reader.run(1000) > 270
    bench.tells_all(late_us(True))


def check_a_chip_that_is_not_there_is_refused():
    for pin in (True, False):
        bench = made(pin=pin)
        bench.chip.unplug()
        bench.refuses()


def check_a_stuck_bus_is_told():
    bench = made()
    bench.chip.bus.stuck = True
    bench.refuses()


def check_a_chip_that_is_never_ready_is_told():
    for pin in (True, False):
        bench = made(pin=pin)
        bench.chip.never_ready = True
        starts(bench)
        bench.reader.run(1200)
        assert bench.reader.errors
        assert bench.reader.longest_ns <= 50_000_000
        assert not bench.reader.readings


def check_a_bus_that_sticks_comes_back():
    for pin in (True, False):
        bench = made(pin=pin).start()

        def stick(stuck, bus=bench.chip.bus):
            bus.stuck = stuck

        bench.comes_back(lambda to=stick: to(True), lambda to=stick: to(False), late_us(False), early_us(pin))


def check_a_chip_that_goes_comes_back():
    for pin in (True, False):
        bench = made(pin=pin).start()
        bench.comes_back(bench.chip.unplug, bench.chip.plug, late_us(False), early_us(pin))


def check_a_chip_that_comes_late_is_taken():
    bench = made()
    bench.chip.unplug()
    bench.refuses()
    bench.reader.run(2500)
    assert bench.reader.errors
    bench.chip.plug()
    bench.reader.run(3000)
    assert bench.reader.run(1000) > 270
    bench.follows_rules()
    bench.reader.places(late_us(False))


def check_a_chip_that_is_away_takes_no_memory():
    made().start().keeps_no_memory_while_away()


def check_a_reset_in_mid_run_tells_nothing_untrue():
    for pin in (True, False):
        bench = made(pin=pin).start()
        bench.reader.run(1000)
        bench.chip.plug()
        bench.reader.run(3500)
        assert bench.reader.run(1000) > 270
        bench.follows_rules()
        bench.reader.places(late_us(False), early_us(pin))
        bench.tells_time()


def check_a_call_that_fails_loses_no_more_than_its_conversion():
    for pin in (True, False):
        for unread_pulse_ns in (0, 10_000):
            bench = made(pin=pin, unread_pulse_ns=unread_pulse_ns).start()
            bench.reader.run(1000)
            for refused in (1, 2, 3, 1, 2):
                bench.chip.bus.refuse = refused
                bench.reader.run(150)
            assert bench.reader.run(300) > 85
            bench.tells_all(bench.chip.period_ns // 1000 + 1000, early_us(pin))
            assert sum([missed for _, _, missed in bench.reader.readings[1:]]) <= 15


def check_a_busy_board_tells_the_same():
    for pin in (True, False):
        bench = made(pin=pin).start()
        # Without a pin it must be asked more often than it converts.
        Interruption(bench.world, 333_000 if pin else 1_000_000, 100_000)
        assert bench.reader.run(1000) > 270
        bench.tells_all(late_us(pin) + 600, early_us(pin))


def check_a_late_reading_counts_what_it_missed():
    for pin in (True, False):
        for clock_error, unread_pulse_ns in ((-100, 0), (100, 10_000)):
            bench = made(pin=pin, clock_error=clock_error, unread_pulse_ns=unread_pulse_ns).start()
            bench.counts_what_a_delay_misses((15, 25, 38, 55, 127, 298), early_us(pin))


def check_no_conversion_takes_memory():
    for pin in (True, False):
        made(pin=pin).start().allocates_nothing(1000)


def check_ticks_may_wrap_in_mid_stream():
    for pin in (True, False):
        bench = made(start_us=WRAP_US - 1_000_000, pin=pin).start()
        assert bench.reader.run(1500) > 400
        bench.no_error()
        bench.tells_all(late_us(pin), early_us(pin))
        ticks = [reading[1] for reading in bench.reader.readings]
        assert ticks[0] > ticks[-1]


def check_nothing_is_lost_while_nobody_asks():
    bench = made().start()
    bench.reader.run(500)
    bench.world.advance(700_000_000)
    bench.reader.run(100)
    places = bench.tells_all(late_us(True))
    assert places == list(range(places[0], places[0] + len(places)))


def check_a_full_queue_counts_what_it_lost():
    bench = made().start()
    bench.reader.run(500)
    bench.world.advance(1_500_000_000)
    bench.reader.run(500)
    bench.tells_all(late_us(True))
    assert sum([missed for _, _, missed in bench.reader.readings]) > 100


def check_stopped_is_powered_down():
    bench = made().start()
    bench.reader.run(200)
    bench.driver.stop()
    assert not bench.chip.registers[0] & 0x06
    bench.start()
    assert bench.reader.run(1000) > 270
    bench.follows_rules()
    bench.reader.places(late_us(False))


run(globals())
