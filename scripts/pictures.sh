#!/usr/bin/env bash
# Takes the pictures of docs/pictures from the real windows on a virtual screen: the demo in both themes and sizes, and
# the calibration of a simulated tool, and the Tools page of an invented practice. Arguments choose: live, calibration,
# tools.
# Needs Xvfb, ImageMagick and xdotool: apt-get install xvfb imagemagick xdotool
set -euo pipefail
cd "$(dirname "$0")/.."
records=$(mktemp -d)
trap 'rm -rf "$records"' EXIT

# open_screen SIZE: starts a virtual screen; the server chooses a free display and tells its number.
open_screen() {
    exec {number}< <(exec Xvfb -displayfd 1 -screen 0 "$1x24" 2>/dev/null)
    server=$!
    read -r display <&"$number"
    export DISPLAY=":$display"
}

# close_screen PROGRAM: ends a program and the screen that it was on.
close_screen() {
    kill -INT "$1"
    wait "$1"
    kill "$server"
    exec {number}<&-
}

take() {
    import -window root -colors 256 "PNG8:docs/pictures/$1.png"
}

live() {
    # Late enough for a stroke over alarm to stand in the chart.
    local seconds=11.3
    for theme in dark light; do
        for size in 1920x1080 1280x800; do
            open_screen "$size"
            .venv/bin/iastm demo --seed 1 --theme "$theme" --tip-area-cm2 1.2 --record "$records" >/dev/null &
            sleep "$seconds"
            take "live-$theme-$size"
            close_screen $!
        done
    done
}

calibration() {
    open_screen 1280x800
    XDG_DATA_HOME="$records" .venv/bin/iastm calibrate run --simulated --full --by-hand --by "A. Tester" --theme light >/dev/null &
    local run=$!
    xdotool search --sync --onlyvisible --name calibration >/dev/null
    sleep 2
    # The form, the first page, and the warm-up, which takes 20 s to know its drift.
    xdotool key Return
    sleep 2
    xdotool key Return
    sleep 28
    xdotool key Return
    # The heaviest load once, the zero, and four loads.
    for _ in 1 2 3 4 5 6; do
        sleep 7
        xdotool key Return
    done
    sleep 4.2
    take calibration-light-1280x800
    close_screen "$run"
}

tools() {
    .venv/bin/python -m scripts.example_tools "$records"
    local look
    for look in dark-1920x1080 light-1280x800; do
        open_screen "${look#*-}"
        XDG_DATA_HOME="$records" .venv/bin/iastm tools --theme "${look%-*}" >/dev/null &
        local run=$!
        xdotool search --sync --onlyvisible --name tools >/dev/null
        sleep 2
        take "tools-$look"
        close_screen "$run"
    done
}

for part in "${@:-live calibration tools}"; do
    for each in $part; do
        "$each"
    done
done
