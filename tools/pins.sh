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

worker=azure-functions-runtime==1.3.0
for cloud in aws gcp azure; do
  compile --output-file "sandbox/runtimes/$cloud.txt" "sandbox/runtimes/$cloud.in"
done
.venv/bin/python -m pip download --quiet --no-deps --ignore-requires-python --dest build/wheels "$worker"
hash=$(.venv/bin/python -m pip hash build/wheels/azure_functions_runtime-*.whl | tail -1)
printf '%s \\\n    %s\n' "$worker" "$hash" >>sandbox/runtimes/azure.txt
