"""The memory of tensors: what is counted, kept for reuse and given back."""

import os
import subprocess
import sys

import pytest

import penlight
from penlight import cpu


@pytest.fixture(autouse=True)
def default_limit():
    yield
    cpu.set_cache_limit(None)


own_allocator = pytest.mark.skipif(
    "PENLIGHT_SANITIZED" in os.environ,
    reason="a sanitizer brings its own allocator, which keeps what is freed",
)


def test_elements_of_live_tensors_are_counted():
    before = cpu.memory_allocated()
    x = penlight.zeros(300, 1000)
    view = x[10:20]
    assert cpu.memory_allocated() - before == 1_200_000
    del x
    assert cpu.memory_allocated() - before == 1_200_000
    del view
    assert cpu.memory_allocated() == before


def test_the_peak_outlives_the_tensor_until_it_is_reset():
    cpu.reset_peak_memory_stats()
    before = cpu.max_memory_allocated()
    x = penlight.zeros(1_000_000)
    del x
    assert cpu.max_memory_allocated() - before == 4_000_000
    cpu.reset_peak_memory_stats()
    assert cpu.max_memory_allocated() == cpu.memory_allocated()


@own_allocator
def test_memory_is_kept_and_used_again():
    cpu.empty_cache()
    x = penlight.zeros(1_000_000)
    address, reserved = x.data_ptr(), cpu.memory_reserved()
    del x
    kept = cpu.memory_reserved() - cpu.memory_allocated()
    assert 4_000_000 <= kept <= 5_000_000  # a size class is at most a quarter larger
    assert penlight.empty(1_000_000).data_ptr() == address
    assert cpu.memory_reserved() >= reserved
    cpu.empty_cache()
    assert cpu.memory_reserved() == cpu.memory_allocated()


@own_allocator
def test_no_more_is_kept_than_the_limit():
    cpu.empty_cache()
    cpu.set_cache_limit(10_000_000)
    assert cpu.cache_limit() == 10_000_000
    tensors = [penlight.zeros(1_000_000) for _ in range(6)]
    del tensors
    assert 0 < cpu.memory_reserved() - cpu.memory_allocated() <= 10_000_000
    cpu.set_cache_limit(0)
    assert cpu.memory_reserved() == cpu.memory_allocated()
    cpu.set_cache_limit()
    assert 256 << 20 <= cpu.cache_limit() <= 2 << 30


def test_what_nobody_takes_goes_back_by_itself():
    cpu.empty_cache()
    penlight.zeros(1_000_000)
    for _ in range(6000):
        penlight.empty(1000)
    assert cpu.memory_reserved() - cpu.memory_allocated() < 1_000_000


@pytest.mark.parametrize(("limit", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_limit_is_a_number_of_bytes(limit, error):
    with pytest.raises(error, match="limit"):
        cpu.set_cache_limit(limit)


def run(code):
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    return process.stdout


@own_allocator
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from /proc")
def test_small_tensors_give_their_memory_back():
    code = """
import penlight as torch

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

x = torch.ones(2, 2, requires_grad=True)
x * 2
before = resident()
kept = [x * i for i in range(200_000)]
full = resident() - before
del kept
print(full, resident() - before)
"""
    full, after = map(int, run(code).split())
    assert after < full / 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_uses_and_returns_memory_of_its_own():
    run("""
import os
import penlight
keep = [penlight.full((1000, i + 1), float(i)) for i in range(20)]
small = [penlight.full((2, 2), float(i)) for i in range(1000)]
del keep[::2], small[::2]
child = os.fork()
again = [penlight.full((1000, i + 1), -1.0) for i in range(20)] + [penlight.full((2, 2), -1.0) for i in range(500)]
fine = all((k == float(2 * i + 1)).all() for i, k in enumerate(keep))
fine = fine and all((k == float(2 * i + 1)).all() for i, k in enumerate(small))
penlight.cpu.empty_cache()
if child == 0:
    os._exit(0 if fine else 1)
_, status = os.waitpid(child, 0)
assert fine and os.waitstatus_to_exitcode(status) == 0
""")
