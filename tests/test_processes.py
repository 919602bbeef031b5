"""Threads, forked children and long runs: the same bits, and memory that stays flat."""

import hashlib
import os
import subprocess
import sys
import threading

import pytest

import penlight as torch
from penlight import nn

TRAIN = """
import hashlib, sys
import penlight as torch
from penlight import nn
torch.manual_seed(3)
net = nn.Sequential(
    nn.Conv2d(2, 8, 3, padding=1, padding_mode="circular"), nn.ReLU(), nn.BatchNorm2d(8), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, stride=2), nn.Tanh(), nn.Flatten(), nn.Linear(16 * 7 * 7, 10), nn.LogSoftmax(1))
optimizer = torch.optim.Adam(net.parameters())
x, y = torch.randn(64, 2, 32, 32), torch.randint(0, 10, (64,))
for _ in range(3):
    optimizer.zero_grad()
    loss = nn.functional.nll_loss(net(x), y)
    loss.backward()
    optimizer.step()
digest = hashlib.sha256()
results = [loss.detach(), x.sum(), x.std(), x.cumsum(0), x.reshape(256, -1) @ x.reshape(-1, 256)]
for value in [*results, *net.state_dict().values()]:
    digest.update(value.detach().numpy().tobytes())
print(digest.hexdigest())
"""


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_bits_at_any_number_of_threads_and_every_run():
    results = {run(TRAIN, PENLIGHT_NUM_THREADS=count) for count in ("1", "1", "2", "3", "7")}
    assert len(results) == 1


CORES = """
import os, sys
import penlight as torch
cores = sorted(os.sched_getaffinity(0))[: int(sys.argv[1])]
os.sched_setaffinity(0, cores)
torch.set_num_threads(3)
x = torch.ones(1 << 20)
for _ in range(200):
    x = x.tanh() + 1
tasks = [int(task) for task in os.listdir("/proc/self/task")]
assert len(tasks) >= 3, tasks
print(all(os.sched_getaffinity(task) == set(cores) for task in tasks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads move between cores by Linux's calls alone")
@pytest.mark.parametrize("cores", ["1", "2", "64"])
def test_threads_keep_to_the_cores_they_were_given(cores):
    done = subprocess.run(
        [sys.executable, "-c", CORES, cores], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout == "True\n", done.stderr


def train(seed, steps=20):
    """A small net trained from a generator of its own; the digest of its weights."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(32, 1, 16, 16, generator=generator)
    w1 = torch.randn(8, 1, 3, 3, generator=generator).mul_(0.3).requires_grad_()
    w2 = torch.randn(10, 8 * 14 * 14, generator=generator).mul_(0.02).requires_grad_()
    target = torch.randint(0, 10, (32,), generator=generator)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(nn.functional.conv2d(x, w1).relu().flatten(1) @ w2.T, target)
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= 0.1 * w.grad
                w.grad = None
    return hashlib.sha256(w1.detach().numpy().tobytes() + w2.detach().numpy().tobytes()).hexdigest()


def test_threads_that_train_at_the_same_time_do_not_disturb_each_other():
    alone = [train(seed) for seed in range(3)]
    together = [None] * 3

    def work(i):
        together[i] = train(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert together == alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_computes_after_its_parent_did():
    code = """
import os, sys
import penlight as torch
torch.set_num_threads(2)
x = torch.arange(1_000_000.0)
expected = x.sum().item(), (x.reshape(1000, 1000) @ x.reshape(1000, 1000)).sum().item()
child = os.fork()
if child == 0:
    same = (x.sum().item(), (x.reshape(1000, 1000) @ x.reshape(1000, 1000)).sum().item()) == expected
    os._exit(0 if same else 1)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""
    run(code)


@pytest.mark.skipif("PENLIGHT_SANITIZED" in os.environ, reason="a sanitizer keeps what is freed")
def test_memory_stays_flat_over_ten_thousand_training_steps():
    code = """
import penlight as torch
from penlight import nn

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

net = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14, 3))
optimizer = torch.optim.Adam(net.parameters())
x, y = torch.randn(4, 2, 16), torch.tensor([0, 1, 2, 0])
for step in range(10_000):
    if step == 1000:
        before = resident()
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
print(resident() - before)
"""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("resident memory is read from /proc")
    assert int(run(code)) < 1 << 20
