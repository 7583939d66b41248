# Sourced by the scripts that build MicroPython: what they need of the system, and Debian's sources without installing.
#
# need COMMAND PACKAGE      notes the package where its command is missing; `missing PACKAGE` notes it in any case
# need_debian_sources       the same for all that fetching and building takes
# stop_where_missing WHAT   ends the script with what to install
# find_debian_mirror        asks this system for a mirror of the archive, or takes $DEBIAN_MIRROR
# fetch_from_debian FOLDER  makes an apt of its own there, `debian_apt`, that takes from the mirror what Debian's keys
#                           vouch for; it installs nothing and needs no administrator's rights
# logged FILE FUNCTION      runs it up to its first failure, what it says goes to FILE; ends the script where it failed

# The release whose source packages are built: the first whose MicroPython calls its asyncio so (from 1.21 on).
debian_release=trixie
debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg
debian_missing=""

missing() {
    debian_missing="$debian_missing $1"
}

need() {
    command -v "$1" >/dev/null || missing "$2"
}

need_debian_sources() {
    need apt-get apt
    need dpkg-source dpkg-dev
    need make make
    need gcc gcc
    need python3 python3
    [ -f "$debian_keyring" ] || missing debian-archive-keyring
}

stop_where_missing() {
    [ -n "$debian_missing" ] || return 0
    echo "$1 can't be built: something is missing. On Debian, please run:" >&2
    echo "    sudo apt-get install --no-install-recommends$debian_missing" >&2
    exit 1
}

find_debian_mirror() {
    # apt names its sources in every format it reads; the one of this system's own release is a mirror of the archive.
    debian_codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    debian_mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
        'Created-By: Packages' | awk -v release="$debian_codename" '$1 == release && $2 == "main" { print $3; exit }')}
    if [ -z "$debian_mirror" ]; then
        echo "apt knows no mirror of Debian here. Name one: DEBIAN_MIRROR=URL $0" >&2
        exit 1
    fi
}

fetch_from_debian() {
    debian_folder=$1
    mkdir -p "$debian_folder/lists/partial" "$debian_folder/archives/partial"
    for debian_kind in deb deb-src; do
        echo "$debian_kind [signed-by=$debian_keyring] $debian_mirror $debian_release main"
    done >"$debian_folder/sources.list"
}

debian_apt() {
    apt-get -qq -o "Dir::Etc::sourcelist=$debian_folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o "Dir::State::lists=$debian_folder/lists" -o "Dir::Cache=$debian_folder" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

logged() {
    # The status is asked for afterwards: within a condition a shell would not stop at a failure.
    set +e
    (
        set -e
        "$2"
    ) >"$1" 2>&1 </dev/null
    debian_status=$?
    set -e
    [ "$debian_status" = 0 ] && return 0
    tail -n 15 "$1" >&2
    echo "The build failed; all of it stands in $1." >&2
    exit 1
}
