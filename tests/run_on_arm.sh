#!/usr/bin/env bash
# Builds the core for 64-bit Arm with a cross compiler and runs tests on it under emulation, on a Debian of another
# architecture. Needs, as root:
#   dpkg --add-architecture arm64 && apt-get update && apt-get install g++-aarch64-linux-gnu qemu-user-static
# and cmake, ninja, nanobind for this Python, of which Debian must have the same version for Arm. Tests that start a
# second Python fail, unless the system runs Arm's programs by itself (binfmt_misc).
# Usage: tests/run_on_arm.sh [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
build=$PWD/build/arm
root=$build/root  # Debian's Python and libraries for Arm
site=$build/site  # NumPy and the test requirements
version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')

if [ ! -d "$root" ]; then
  mkdir -p "$build/packages" "$root"
  packages=("python$version" "python$version-minimal" "libpython$version" "libpython$version-stdlib"
    "libpython$version-minimal" "libpython$version-dev" libc6 libc6-dev libstdc++6 libgcc-s1 zlib1g libexpat1 libssl3
    libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1)
  (cd "$build/packages" && apt-get download "${packages[@]/%/:arm64}")
  for package in "$build"/packages/*.deb; do dpkg -x "$package" "$root"; done
fi
if [ ! -d "$site" ]; then
  "$python" -m pip download --quiet --only-binary=:all: --python-version "$version" --dest "$build/wheels" \
    --platform manylinux2014_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
    numpy scipy sympy mpmath safetensors rich markdown-it-py mdurl pytest pytest-timeout hypothesis
  for wheel in "$build"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$site"; done
fi

cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
  -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DCMAKE_CXX_FLAGS="-idirafter $root/usr/include" -DPython_INCLUDE_DIR="$root/usr/include/python$version" \
  -DPython_EXECUTABLE="$("$python" -c 'import sys; print(sys.executable)')" >/dev/null
cmake --build "$build" -j "${JOBS:-2}"
rm -rf "$build/package"
mkdir -p "$build/package"
cp -r penlight "$build/package/"
rm -f "$build"/package/penlight/_C*.so
cp "$build"/_C*.so "$build/package/penlight/_C.cpython-${version/./}-aarch64-linux-gnu.so"

export PYTHONPATH=$build/package:$site
exec qemu-aarch64-static -L "$root" "$root/usr/bin/python$version" -P -m pytest \
  -o addopts="-q --import-mode=importlib" -o timeout=0 -p no:cacheprovider "$@"
