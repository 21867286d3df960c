#!/usr/bin/env bash
# Writes constraints.txt: every dependency, direct or not, pinned to what pip chooses today.
#
# The oldest supported Python chooses, because what runs there runs on the newer ones too, which is
# checked: on every supported Python found, all of it must resolve under these pins to nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

oldest="${PYTHON:-python3.11}"
"$oldest" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  echo "PYTHON must be a Python 3.11: the oldest that stockfold supports" >&2
  exit 1
}

"$oldest" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check '.[dev,containers,profile]'
{
  echo "# Every dependency of stockfold, pinned. Written by: make constraints"
  "$work/venv/bin/python" -m pip freeze --exclude stockfold --exclude pip --exclude setuptools
} > "$work/constraints.txt"
mv "$work/constraints.txt" constraints.txt

for version in 3.12 3.13; do
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --dry-run \
    --python-version "$version" --only-binary=:all: --target "$work/none" --report "$work/report" \
    -c constraints.txt $(sed -n '/^[a-z]/Ip' constraints.txt | sed 's/ *;.*//') &&
    echo "resolves on Python $version"
done
