#!/bin/sh
# Build an image for a board with an RP2040, to run on an emulated one, and print its path.
# usage: build_rp2_image.sh [FOLDER]            everything of ours frozen in: FOLDER/firmware.uf2, .cache/rp2040 by default
#        build_rp2_image.sh --plain [FOLDER]    nothing of ours, to deploy to: FOLDER/plain.uf2
#
# MicroPython, the Pico SDK and TinyUSB come from Debian's source packages, fetched through apt's own mirror into FOLDER
# and checked against Debian's keys. Nothing is installed, and no administrator's rights are needed. The first time takes
# a minute and 300 MB, later ones rebuild what of ours has changed. DEBIAN_MIRROR=URL chooses another mirror.
#
# The image has no radio and no TLS (Debian leaves out the sources of both), so it is none for a Pico W in a hand; what
# a release image freezes, it freezes too. FOLDER/firmware.sources is the hash of what was frozen.
set -eu
here=$(realpath "$(dirname "$0")")
. "$here/debian_sources.sh"

name=firmware
sources=$("$here/frozen_sources.sh")
if [ "${1:-}" = --plain ]; then
    shift
    name=plain
    sources="nothing of ours"
fi
root=$(dirname "$here")
folder=$(realpath -m "${1:-$root/.cache/rp2040}")
image=$folder/$name.uf2
if [ -f "$image" ] && [ "$(cat "$folder/$name.sources" 2>/dev/null)" = "$sources" ]; then
    echo "$image"
    exit 0
fi

need_debian_sources
need arm-none-eabi-gcc gcc-arm-none-eabi
need cmake cmake
need ninja ninja-build
for library in libc.a:libnewlib-arm-none-eabi libstdc++.a:libstdc++-arm-none-eabi-newlib; do
    # A compiler that has a library tells its whole path.
    case $(arm-none-eabi-gcc -mcpu=cortex-m0plus -mthumb -print-file-name="${library%:*}" 2>/dev/null) in
        */*) ;;
        *) missing "${library#*:}" ;;
    esac
done
stop_where_missing "The image for an emulated RP2040"
find_debian_mirror

# It names itself by its own version, and not by the commit of the repository that FOLDER may lie in.
export GIT_CEILING_DIRECTORIES="$folder"

tree=$folder/source
board=$tree/ports/rp2/build-$name

fetch() {
    rm -rf "$folder/fetched" "$folder/sdk" "$tree"
    fetch_from_debian "$folder/fetched"
    cd "$folder/fetched"
    debian_apt update
    debian_apt source --download-only micropython
    debian_apt download pico-sdk-source tinyusb-source
    dpkg-source --no-copy -x micropython_*.dsc "$tree.partial"
    for package in *.deb; do
        dpkg-deb -x "$package" "$folder/sdk"
    done
    # The port looks for them in its own tree, as submodules.
    for library in pico-sdk tinyusb; do
        rm -rf "$tree.partial/lib/$library"
        ln -s "$folder/sdk/usr/src/$library" "$tree.partial/lib/$library"
    done
    # Submodules that Debian leaves out: there must be something where they are looked for.
    for library in mbedtls micropython-lib; do
        mkdir -p "$tree.partial/lib/$library"
        touch "$tree.partial/lib/$library/README.md"
    done
    without_tls "$tree.partial/ports/rp2"
    make -C "$tree.partial/mpy-cross" -j"$(nproc)"
    mv "$tree.partial" "$tree"
    cd "$folder"
    rm -rf "$folder/fetched"
}

without_tls() { # PORT: take mbedTLS, and what needs it, out of the port's build
    sed -i -e 's/set(MICROPY_SSL_MBEDTLS ON)/set(MICROPY_SSL_MBEDTLS OFF)/' -e '/mbedtls\/mbedtls_port\.c/d' \
        -e '/target_link_libraries(.*micropy_lib_mbedtls)/d' "$1/CMakeLists.txt"
    for feature in SSL_MBEDTLS PY_SSL PY_CRYPTOLIB PY_HASHLIB_SHA1; do
        sed -i -E "s/^(#define MICROPY_$feature +)\(1\)/\1(0)/" "$1/mpconfigport.h"
    done
}

build() {
    [ -d "$tree" ] || {
        rm -rf "$tree.partial"
        fetch
    }
    cd "$folder"
    # What MicroPython itself has frozen on this board, and what a release image freezes.
    cat >"$folder/$name.manifest.py" <<MANIFEST
include("\$(MPY_DIR)/extmod/asyncio")
freeze("\$(PORT_DIR)/modules", ("_boot.py", "_boot_fat.py", "rp2.py"))
MANIFEST
    [ "$name" = plain ] || echo "include(\"$root/firmware_micropython/manifest.py\")" >>"$folder/$name.manifest.py"
    cmake -S "$tree/ports/rp2" -B "$board" -G Ninja -DMICROPY_BOARD=RPI_PICO \
        -DMICROPY_BOARD_DIR="$tree/ports/rp2/boards/RPI_PICO" -DMICROPY_FROZEN_MANIFEST="$folder/$name.manifest.py" \
        -DPICO_NO_PICOTOOL=1 -DPICO_BUILD_DOCS=0
    ninja -C "$board"
    # picotool, which would do this, is no part of it: 0xe48bff56 is the RP2040's family, its flash begins at 0x10000000.
    python3 "$tree/tools/uf2conv.py" -b 0x10000000 -f 0xe48bff56 -c -o "$image.partial" "$board/firmware.bin"
    mv "$image.partial" "$image"
    echo "$sources" >"$folder/$name.sources"
}

mkdir -p "$folder"
logged "$folder/$name.log" build
echo "$image"
