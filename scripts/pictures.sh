#!/usr/bin/env bash
# Takes the pictures of docs/pictures from the real window: the demo on a virtual screen, in both themes and sizes.
# Needs Xvfb and ImageMagick: apt-get install xvfb imagemagick
set -euo pipefail
cd "$(dirname "$0")/.."
records=$(mktemp -d)
trap 'rm -rf "$records"' EXIT
# Late enough for a stroke over alarm to stand in the chart.
seconds=11.3
for theme in dark light; do
    for size in 1920x1080 1280x800; do
        # The server chooses a free display and tells its number.
        exec {number}< <(exec Xvfb -displayfd 1 -screen 0 "${size}x24" 2>/dev/null)
        server=$!
        read -r display <&"$number"
        DISPLAY=":$display" .venv/bin/iastm demo --seed 1 --theme "$theme" --tip-area-cm2 1.2 --record "$records" \
            >/dev/null &
        demo=$!
        sleep "$seconds"
        DISPLAY=":$display" import -window root -colors 256 "PNG8:docs/pictures/live-$theme-$size.png"
        kill -INT "$demo"
        wait "$demo"
        kill "$server"
        exec {number}<&-
    done
done
