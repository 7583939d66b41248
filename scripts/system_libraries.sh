#!/bin/sh
# Make sure that the libraries which PySide6's wheels take from the system are there. Quiet and offline where they are.
# The table: what the dynamic linker looks for, and the Debian package that brings it. It is what `readelf -d` names
# for Qt's gui, multimedia, the platform plugins xcb and offscreen and the media plugin, less what Debian always has.
set -eu
. "$(dirname "$0")/apt.sh"

libraries="
libEGL.so.1              libegl1
libGL.so.1               libgl1
libX11-xcb.so.1          libx11-xcb1
libXext.so.6             libxext6
libXrandr.so.2           libxrandr2
libdbus-1.so.3           libdbus-1-3
libdrm.so.2              libdrm2
libfontconfig.so.1       libfontconfig1
libgthread-2.0.so.0      libglib2.0-0
libgssapi_krb5.so.2      libgssapi-krb5-2
libpulse.so.0            libpulse0
libxcb-cursor.so.0       libxcb-cursor0
libxcb-icccm.so.4        libxcb-icccm4
libxcb-image.so.0        libxcb-image0
libxcb-keysyms.so.1      libxcb-keysyms1
libxcb-randr.so.0        libxcb-randr0
libxcb-render-util.so.0  libxcb-render-util0
libxcb-shape.so.0        libxcb-shape0
libxcb-shm.so.0          libxcb-shm0
libxcb-sync.so.1         libxcb-sync1
libxcb-xfixes.so.0       libxcb-xfixes0
libxcb-xkb.so.1          libxcb-xkb1
libxkbcommon-x11.so.0    libxkbcommon-x11-0
libxkbcommon.so.0        libxkbcommon0
"

[ "$(uname -s)" = Linux ] || exit 0 # the wheels for macOS and Windows bring all they need

known=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null) || exit 0 # a Linux without ldconfig: Qt will say
missing=$(echo "$libraries" | while read -r library package; do
    case "$known" in
        *"$library"*) ;;
        *) echo "$package" ;;
    esac
done)
# A screen without a single font shows boxes.
fonts=$(find /usr/share/fonts /usr/local/share/fonts -name '*.ttf' -o -name '*.otf' 2>/dev/null | head -n 1)
[ -n "$fonts" ] || missing="$missing fonts-dejavu-core"
# shellcheck disable=SC2086 # split into one line of words
missing=$(echo $missing)
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086
    apt_install "Qt needs system libraries that are not here." $missing
else
    echo "Qt needs libraries that are not here; on Debian they are called: $missing." >&2
    echo "Going on without: if Qt fails to start, install what your system calls them." >&2
fi
