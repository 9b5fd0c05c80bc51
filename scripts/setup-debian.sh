#!/usr/bin/env bash
# Installs the Debian packages that building and running need, those that are missing only.
#
#   scripts/setup-debian.sh [--test] [PACKAGE...]
#
# --test adds what the tests need; PACKAGE is one more to have.
set -euo pipefail

tests=()
if [ "${1:-}" = --test ]; then
    shift
    # A registry, an authority, and tools that read the images which are saved and write some to load.
    tests=(busybox-static erofs-utils util-linux docker-registry openssl skopeo umoci zstd xz-utils)
    # The stock client drives the engine in the tests; any version will do.
    command -v docker >/dev/null || tests+=(docker.io)
fi

packages=(
    # to build
    libsqlite3-dev zlib1g-dev pkg-config
    # to run
    libssl3 libzstd1 libisal2 libnftables1 libcurl4 mmdebstrap debian-archive-keyring gpgv ca-certificates
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
trap 'rm -f "$log" $policy' EXIT
# The package lists may be absent or old: fetch them when the first try fails.
if ! install_missing; then
    apt-get update --quiet >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    install_missing || { cat "$log" >&2; exit 1; }
fi
