#!/usr/bin/env bash
# Writes the hash-pinned requirement files from the .in files: development first, the program within its pins.
set -euo pipefail
compile() {
  .venv/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate "$@"
}
mkdir -p build
compile --output-file requirements-dev.txt requirements-dev.in
grep -o '^[A-Za-z0-9_.-]*==[^ ]*' requirements-dev.txt >build/pins.txt
compile --constraint build/pins.txt --output-file requirements.txt requirements.in
