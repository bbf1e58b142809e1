#!/usr/bin/env bash
# Configures and builds one preset: build.sh [--quiet] PRESET [-DNAME=VALUE...] [-- TARGET...]
# With --quiet nothing is printed unless something fails.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
quiet=no
if [ "${1:-}" = --quiet ]; then quiet=yes; shift; fi
if [ $# -eq 0 ]; then
  echo "usage: build.sh [--quiet] PRESET [-DNAME=VALUE...] [-- TARGET...]" >&2
  exit 2
fi
preset=$1
shift

settings=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do settings+=("$1"); shift; done
[ "${1:-}" = -- ] && shift
targets=()
[ $# -gt 0 ] && targets=(--target "$@")

if command -v ccache >/dev/null; then
  settings+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  # What uses a precompiled header is cached only if told that its macros and times may be trusted.
  export CCACHE_SLOPPINESS=pch_defines,time_macros
fi

build() {
  cmake --preset "$preset" "${settings[@]}" && cmake --build --preset "$preset" "${targets[@]}"
}
if [ $quiet = no ]; then
  build
else
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  # A function under `if` would lose `set -e`, which `build` does not need: it is one && list.
  if ! build >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
fi
