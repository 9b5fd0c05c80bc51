#!/usr/bin/env bash
# Measures a release build beside its peers: bench/run.sh BUILD_DIR [ROW...] [n=TIMES]
# Everything is started on private data roots in a temporary folder and ended by its own pid.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ "$(id -u)" -eq 0 ] || { echo "bench: containers take root" >&2; exit 1; }
"$here/scripts/setup-debian.sh" python3 docker.io containerd runc crun busybox-static \
    docker-compose podman buildah skopeo docker-registry mmdebstrap isal pigz curl
exec python3 -B "$here/bench/bench.py" "$@"
