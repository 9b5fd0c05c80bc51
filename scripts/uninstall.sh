#!/usr/bin/env bash
# Removes what scripts/install.sh copied: scripts/uninstall.sh DESTDIR PREFIX
# The data root (/var/lib/stackctl) is left alone: it holds volumes.
set -euo pipefail
root=$1$2
rm -f "$root/bin/stackctl" \
    "$root/share/bash-completion/completions/stackctl" \
    "$root/share/zsh/site-functions/_stackctl" \
    "$root/share/fish/vendor_completions.d/stackctl.fish" \
    "$root/lib/systemd/system/stackctl.service" \
    "$root/lib/systemd/system/stackctl.socket" \
    "$root/lib/systemd/system/stackctl-drift.service" \
    "$root/lib/systemd/system/stackctl-drift.timer"
rm -rf "$root/lib/stackctl" "$root/share/doc/stackctl"
echo "removed from $root"
