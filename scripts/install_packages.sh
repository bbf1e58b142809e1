#!/usr/bin/env bash
# Installs what is missing of the named groups of scripts/packages.txt: install_packages.sh GROUP...
# Does nothing, and asks for no rights, when everything is there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=$here/packages.txt

if [ $# -eq 0 ]; then
  echo "usage: install_packages.sh GROUP..." >&2
  exit 2
fi

group_packages() { # the packages of one group, one a line
  awk -v group="[$1]" '/^\[/ {inside = ($0 == group); next} inside && NF && $1 !~ /^#/ {print $1}' "$list"
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for group in "$@"; do
  packages=$(group_packages "$group")
  if [ -z "$packages" ]; then
    echo "install_packages.sh: $list has no group [$group]" >&2
    exit 2
  fi
  for package in $packages; do
    is_installed "$package" || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "These packages are missing, and there is no apt-get to install them: ${missing[*]}" >&2
  exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
  as_root=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=(sudo)
else
  echo "These packages are missing, and installing them needs root or sudo: ${missing[*]}" >&2
  echo "As root: apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1; }
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
  cat "$log" >&2
  echo "Could not install: ${missing[*]}" >&2
  exit 1
fi
