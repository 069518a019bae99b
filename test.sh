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
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need npm npm
need chromium,chromium-browser,google-chrome chromium
need "/usr/lib/postgresql/*/bin/initdb,initdb" postgresql
need psql postgresql-client

mkdir -p artifacts
dotnet build UsageLogsSite.sln --nologo -v minimal
dotnet format UsageLogsSite.sln --no-restore --verify-no-changes
dotnet run --no-build --project UsageLogsSite.Tests -- -noColor -longRunning 60 "$@" | tee artifacts/test.log
