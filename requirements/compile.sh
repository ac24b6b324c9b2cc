#!/bin/sh
# Write the locks from pyproject.toml: exact versions with hashes for Python 3.11 and later, naming no index.
# Needs uv (`pip install uv`). Pass uv's own options through, for example: requirements/compile.sh --upgrade
set -eu
cd "$(dirname "$0")/.."
lock() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
        pyproject.toml requirements/build.in "$@"
}
lock --output-file requirements/run.lock "$@"
lock --extra research --constraint requirements/run.lock --output-file requirements/research.lock "$@"
lock --extra dev --extra research --constraint requirements/run.lock --output-file requirements/test.lock "$@"
