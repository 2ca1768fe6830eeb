# The Debian packages that teegate needs, and how what is missing gets installed. Sourced, not run.
# It owns no state. It touches nothing when nothing is missing, and leaves no service running.
# shellcheck shell=sh
# shellcheck disable=SC2034  # the lists are for those who source this

packages_build='build-essential autoconf automake pkg-config libevent-dev libnghttp2-dev libssl-dev
    libhiredis-dev libyaml-dev libcjson-dev libcurl4-openssl-dev zlib1g-dev check'
packages_run='redis-server openssl curl libcurl4 jq procps nodejs'
packages_test='nghttp2-client python3-pytest python3-h2 python3-httpx'

NODE_VERSION_MIN=18

# Node may have come from elsewhere than Debian: what counts is that it is there and new enough.
has_node() {
    version=$(node --version 2>/dev/null) || return 1
    version=${version#v}
    [ "${version%%.*}" -ge "$NODE_VERSION_MIN" ]
}

has_package() {
    if [ "$1" = nodejs ]; then
        has_node
    else
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@"
}

# Debian starts redis-server as a service when it installs it; the gateway starts its own.
rest_redis() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --now redis-server
    elif [ -x /etc/init.d/redis-server ]; then
        as_root /etc/init.d/redis-server stop
    fi
}

# need PACKAGE... : installs those that are missing. Output is apt's; the answer is the exit status.
need() {
    missing=
    for package in "$@"; do
        has_package "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        echo "these Debian packages are missing, and there is neither root nor sudo to install them:$missing" >&2
        return 1
    fi
    echo "installing:$missing"
    apt_get update || return 1
    # shellcheck disable=SC2086  # a list of names
    apt_get install --no-install-recommends -y $missing </dev/null || return 1
    case " $missing " in
    *' redis-server '*) rest_redis >/dev/null 2>&1 || : ;;
    esac
    has_node || { echo "Node $NODE_VERSION_MIN or later is needed; found: $(node --version 2>&1)" >&2; return 1; }
}

# How many make jobs: one for each core.
jobs_here() {
    nproc 2>/dev/null || echo 2
}

# configure_in TOP BUILD [OPTION...] : the source tree TOP in a build folder of its own. What is
# configured already is left to make, which notices when configure.ac or a local.mk has changed.
configure_in() {
    source_dir=$1
    build=$2
    shift 2
    [ ! -f "$build/config.status" ] || return 0
    if [ ! -x "$source_dir/configure" ]; then
        (cd "$source_dir" && autoreconf -fi) || return 1
    fi
    mkdir -p "$build" || return 1
    (cd "$build" && "$source_dir/configure" -q "$@")
}
