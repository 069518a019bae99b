#!/usr/bin/env bash
# Runs every test, on a fresh machine too: installs what the tests need, builds, checks the formatting, tests.
#   ./test.sh          the fast check
#   ./test.sh --long   the same with full-length runs
#   ./test.sh -- ARGS  hands ARGS to the test runner, such as -class UsageLogsSite.Tests.Live.EventsTests
set -euo pipefail
cd "$(dirname "$0")"

if [[ "${1:-}" == "--long" ]]; then
  export USAGE_TESTS_LONG=1
  shift
fi
[[ "${1:-}" == "--" ]] && shift

need() { # need COMMAND PACKAGE…: installs Debian packages unless one of the comma-separated commands is there
  local command
  for command in ${1//,/ }; do
    if compgen -G "$command" >/dev/null || command -v "$command" >/dev/null; then return; fi
  done
  shift
  if ! command -v apt-get >/dev/null; then
    echo "test.sh: please install: $*" >&2
    exit 1
  fi
  local sudo=""
  [[ $EUID -eq 0 ]] || sudo=sudo
  echo "Installing $* …"
  [[ -n "${updated:-}" ]] || $sudo apt-get update -qq
  updated=1
  # Debian starts a server when it installs it, unless this file says no: the tests start their own.
  local policy=/usr/sbin/policy-rc.d status=0
  if [[ -e $policy ]]; then policy=""; else printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null && $sudo chmod +x "$policy"; fi
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null || status=$?
  [[ -z $policy ]] || $sudo rm -f "$policy"
  return $status
}

need npm npm
need chromium-headless-shell,chromium,chromium-browser,google-chrome chromium-headless-shell
need "/usr/lib/postgresql/*/bin/initdb,initdb" postgresql
need psql postgresql-client
need /usr/sbin/nginx,nginx nginx-light
need systemd-analyze systemd
need openssl openssl
if [[ -n "${USAGE_TESTS_LONG:-}" ]]; then # images are built and run
  need podman podman netavark aardvark-dns
  need runc runc
  need iptables iptables
  need debootstrap debootstrap
  need docker-registry docker-registry
  need docker-compose docker-compose
fi

# Each test has a database of its own, some 300 small files: a disk's file system takes ten times as long for them as memory.
if [[ -z "${TMPDIR:-}${USAGE_TESTS_LONG:-}" && -w /dev/shm ]]; then
  free=$(df --output=avail -k /dev/shm | tail -n 1)
  available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
  if ((free > 6 * 1024 * 1024 && available > 8 * 1024 * 1024)); then
    TMPDIR=$(mktemp -d /dev/shm/usage-logs-site-XXXXXX)
    chmod 1777 "$TMPDIR" # PostgreSQL may run as another user
    export TMPDIR
    trap 'rm -rf "$TMPDIR"' EXIT
  fi
fi

mkdir -p artifacts
dotnet build UsageLogsSite.sln --nologo -v minimal
dotnet format UsageLogsSite.sln --no-restore --verify-no-changes
dotnet run --no-build --project UsageLogsSite.Tests -- -noColor -longRunning 60 "$@" | tee artifacts/test.log

# Half an hour, with nothing beside it.
if [[ -n "${USAGE_TESTS_LONG:-}" && $# -eq 0 ]]; then
  dotnet run -c Release --project UsageLogsSite.Benchmarks -- soak
fi
