#!/usr/bin/env bash
# Builds the web pages when a source is newer than what was built. Needs Node 20 and npm.
# Usage: eng/pages.sh [--check]   (--check: also type check and tests, whatever was built before)
set -euo pipefail
cd "$(dirname "$0")/../apps/web"

command -v npm >/dev/null || { echo "tandem: building the pages needs Node 20 and npm, and npm is not on PATH." >&2; exit 1; }

# --ignore-scripts: what a package would run while it is installed is not needed by any of ours.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --ignore-scripts --no-progress --loglevel=error
fi

if [ "${1:-}" = --check ]; then
  node ../../eng/protocols.mjs --check
  npm run --silent check
  node --test --test-reporter=tap
fi

if [ ! -f dist/tutorial.html ] || [ -n "$(find . \( -name node_modules -o -name dist \) -prune -o -type f -newer dist/tutorial.html -print -quit)" ]; then
  npm run --silent build
  touch dist/tutorial.html
fi
