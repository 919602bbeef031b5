#!/usr/bin/env bash
# Builds the core with sanitizers, in a folder of its own, and runs tests on it. A memory error, undefined behaviour
# or a data race ends the test run. Needs GCC, cmake, ninja, nanobind and the test requirements.
# Usage: tests/run_sanitized.sh [pytest arguments]              AddressSanitizer and UBSan
#        PENLIGHT_SANITIZE=thread tests/run_sanitized.sh [...]  ThreadSanitizer
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
sanitize=${PENLIGHT_SANITIZE:-address,undefined}
build=build/sanitize-${sanitize//,/-}
package=$build/package  # the Python files beside the instrumented module

cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DPENLIGHT_SANITIZE="$sanitize" \
  -DPython_EXECUTABLE="$("$python" -c 'import sys; print(sys.executable)')" >/dev/null
cmake --build "$build" -j "${JOBS:-2}"
rm -rf "$package"
mkdir -p "$package"
cp -r penlight "$package/"
rm -f "$package"/penlight/_C*.so
cp "$build"/_C*.so "$package/penlight/"

# The sanitizer's library must come first in a program that was not built with it. Python itself frees little at its
# end, so leaks are not looked for; a thread of NumPy's BLAS is none of ours.
if [ "$sanitize" = thread ]; then library=libtsan.so; else library=libasan.so; fi
preload=$(gcc -print-file-name=$library):$(gcc -print-file-name=libstdc++.so)
export LD_PRELOAD=$preload
# A process may not ask for more than a gigabyte at once, as the tests of bad arguments expect.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024:detect_stack_use_after_return=0:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
export TSAN_OPTIONS=suppressions=$PWD/tests/tsan_suppressions.txt:history_size=4:${TSAN_OPTIONS:-}
export OPENBLAS_NUM_THREADS=1 PYTHONMALLOC=malloc PENLIGHT_SANITIZED=1 PYTHONPATH=$PWD/$package
# -P: the working folder, where a plain build may lie, is not looked in.
exec "$python" -P -m pytest -p no:cacheprovider -o timeout=7200 "$@"
