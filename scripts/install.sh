#!/usr/bin/env bash
# Copies what was built into PREFIX: scripts/install.sh BUILD_DIR DESTDIR PREFIX
set -euo pipefail
build=$1 destdir=$2 prefix=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

for file in stackctl stack-init stack-manifest libStackDSL.so; do
    [ -e "$build/$file" ] || { echo "install: $build/$file is missing: run \`make build\` first" >&2; exit 1; }
done

bin=$destdir$prefix/bin
lib=$destdir$prefix/lib/stackctl
install -d "$bin" "$lib"
install -m 0755 "$build/stackctl" "$bin/stackctl"
install -m 0755 "$build/stack-init" "$build/stack-manifest" "$lib/"
install -m 0644 "$build/libStackDSL.so" "$lib/"
# A manifest is compiled against these, and only these.
for module in JSONText Diagnostics StackModel StackDSL; do
    install -m 0644 "$build/Modules/$module.swiftmodule" "$lib/"
done

completions=$destdir$prefix/share/bash-completion/completions
install -d "$completions"
"$build/stackctl" completion bash >"$completions/stackctl"
zsh=$destdir$prefix/share/zsh/site-functions
install -d "$zsh"
"$build/stackctl" completion zsh >"$zsh/_stackctl"
fish=$destdir$prefix/share/fish/vendor_completions.d
install -d "$fish"
"$build/stackctl" completion fish >"$fish/stackctl.fish"

units=$destdir$prefix/lib/systemd/system
install -d "$units"
# Who may use the socket: a group made for it, or else Docker's, or else root alone.
group=root
for name in docker stackctl; do getent group "$name" >/dev/null && group=$name; done
for unit in stackctl.service stackctl.socket stackctl-drift.service stackctl-drift.timer; do
    sed "s|@PREFIX@|$prefix|g; s|@GROUP@|$group|g" "$here/packaging/systemd/$unit" >"$units/$unit"
    chmod 0644 "$units/$unit"
done

doc=$destdir$prefix/share/doc/stackctl
install -d "$doc"
install -m 0644 "$here/LICENSE" "$here/README.md" "$here/CHANGELOG.md" "$doc/"
echo "installed in $destdir$prefix"
