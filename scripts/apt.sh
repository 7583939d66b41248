# Sourced: `apt_install "why" package...` installs Debian packages as root or through sudo, or says what to type.

apt_install() {
    why=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        as_root=env
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root="sudo -n env"
    else
        echo "$why Installing them takes an administrator's rights. Please run:" >&2
        echo "    sudo apt-get install $*" >&2
        return 1
    fi
    echo "$why Installing: $*"
    # A machine that never fetched its package lists finds no package; one that did needs no new ones.
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null 2>&1 || {
        $as_root apt-get update -qq
        $as_root DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null
    }
}
