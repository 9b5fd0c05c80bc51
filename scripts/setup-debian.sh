#!/usr/bin/env bash
# Installs the Debian packages that building and running need, those that are missing only.
#
#   scripts/setup-debian.sh [--test] [PACKAGE...]
#
# --test adds what the tests need; PACKAGE is one more to have.
set -euo pipefail

# Clients that drive the engine in the tests, from PyPI. Without them those tests are passed over.
python_clients() {
    local venv=${STACKCTL_TEST_VENV:-/var/cache/stackctl-tests/venv}
    local wanted='docker==7.1.0 testcontainers==4.9.2'
    [ "$(cat "$venv/wanted" 2>/dev/null || true)" = "$wanted" ] && return
    # shellcheck disable=SC2086  # Two words.
    if mkdir -p "$(dirname "$venv")" && python3 -m venv "$venv" && "$venv/bin/pip" install --quiet $wanted; then
        echo "$wanted" >"$venv/wanted"
    else
        rm -rf "$venv"
        echo "setup: docker-py and testcontainers cannot be had from PyPI: their tests are passed over" >&2
    fi
}

tests=()
if [ "${1:-}" = --test ]; then
    shift
    # A registry, an authority, and tools that read the images which are saved and write some to load.
    tests=(busybox-static erofs-utils util-linux docker-registry openssl skopeo umoci zstd xz-utils bzip2 git python3-venv docker-compose)
    trap '[ $? -ne 0 ] || python_clients' EXIT
    # The stock client drives the engine in the tests; any version will do.
    command -v docker >/dev/null || tests+=(docker.io)
fi

packages=(
    # to build
    libsqlite3-dev zlib1g-dev libyaml-dev pkg-config
    # to run
    libssl3 libzstd1 libyaml-0-2 libbz2-1.0 liblzma5 libisal2 libnftables1 libcurl4 mmdebstrap debian-archive-keyring gpgv ca-certificates
    # the demo and the tests look at the host with these
    nftables iproute2 curl
    "${tests[@]}" "$@"
)

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these Debian packages are missing: ${missing[*]}" >&2
    echo "       install them as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install_missing() {
    apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >"$log" 2>&1
}
log=$(mktemp)
# Of a peer only its programs are wanted: its services stay as they are (invoke-rc.d(8), deb-systemd-invoke(1p)).
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then policy=''; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; fi
trap 'code=$?; rm -f "$log" $policy; [ $code -ne 0 ] || [ ${#tests[@]} -eq 0 ] || python_clients' EXIT
# The package lists may be absent or old: fetch them when the first try fails.
if ! install_missing; then
    apt-get update --quiet >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    install_missing || { cat "$log" >&2; exit 1; }
fi
