#!/usr/bin/env bash
# Finds or builds the Pulumi CLI with its Python language host, and writes the folder that holds both into the file
# named by the first argument. A fitting `pulumi` on PATH is used; otherwise both are built with Go, once, into the
# user's cache folder.
set -euo pipefail
out=$1
version=3.259.0
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/skyblend/pulumi-$version
sdk=github.com/pulumi/pulumi/sdk/v3

fits() { # folder: holds a pulumi of the 3.2xx series and a Python language host
  [ -x "$1/pulumi" ] && [ -x "$1/pulumi-language-python" ] &&
    "$1/pulumi" version 2>/dev/null | grep -qE '^v3\.2[0-9]{2}\.'
}

use() { # folder, where it comes from
  mkdir -p "$(dirname "$out")"
  echo "$1" >"$out"
  echo "pulumi: $2" >&2
}

if found=$(command -v pulumi) && fits "$(dirname "$(readlink -f "$found")")"; then
  use "$(dirname "$(readlink -f "$found")")" "$("$found" version) found on PATH"
  exit 0
fi
if fits "$cache/bin"; then
  use "$cache/bin" "v$version from the cache"
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "error: neither pulumi 3.2xx nor Go is on PATH; install the Pulumi CLI (https://www.pulumi.com/docs/install)" \
    "or Go 1.26 (https://go.dev/dl), then run make again" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -rf "$log" "${build:-}"' EXIT
build=$(mktemp -d)
echo "pulumi: building v$version from its Go modules, once: about 5 minutes on two cores ..." >&2
build() {
  cd "$here/cli"
  go mod download
  go build -trimpath -tags osusergo,grpcnotrace \
    -ldflags "-s -w -X $sdk/go/common/version.Version=v$version" \
    -o "$build/pulumi" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
  cp "$(go list -m -f '{{.Dir}}' $sdk)/python/cmd/pulumi-language-python-exec" "$build/"
  cd "$here/python-host"
  go build -trimpath -ldflags "-s -w" \
    -o "$build/pulumi-language-python" $sdk/python/cmd/pulumi-language-python
}
build >"$log" 2>&1 & # in a process of its own: a failing step ends it, and it may change folders
wait $! || {
  tail -n 20 "$log" >&2
  echo "error: building the Pulumi CLI failed (output above); see tools/pulumi/README.md" >&2
  exit 1
}
chmod 755 "$build"/*
mkdir -p "$cache"
rm -rf "$cache/bin"
mv "$build" "$cache/bin"
chmod 755 "$cache/bin"
use "$cache/bin" "v$version built, kept in $cache"
