"""What a library costs before it has done anything, and what its smallest step costs: the table in README.md.

    python benchmarks/carrying.py [name ...]

Each library runs in processes of its own, and the best of several runs counts. "On disk" is the library with
all that it requires, without NumPy.
"""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys

LIBRARIES = ["penlight", "torch", "numpy"]
ROUNDS = 5

_IMPORT = """
import json, resource, time
started = time.perf_counter()
import {name}
seconds = time.perf_counter() - started
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

_STEP = """
import json, time
import {name} as torch
torch.set_num_threads(1)
x = torch.tensor([[1., 2.], [3., 4.]], requires_grad=True)
def step():
    x.grad = None
    (3 * (x - 2) ** 2).mean().backward()
for _ in range(2000):
    step()
best = 1e9
for _ in range(20):
    started = time.perf_counter()
    for _ in range(500):
        step()
    best = min(best, (time.perf_counter() - started) / 500)
assert x.grad.tolist() == [[-1.5, 0.0], [1.5, 3.0]]
print(json.dumps([best * 1e6]))
"""


def main(names):
    print(f"{'':10} {'on disk':>10} {'import':>10} {'memory':>10} {'tiny graph':>12}")
    for name in names or LIBRARIES:
        if importlib.util.find_spec(name) is None:
            print(f"{name:10} not installed")
            continue
        seconds, memory = best(_IMPORT, name)
        step = f"{best(_STEP, name)[0]:9.2f} µs" if name != "numpy" else ""
        print(f"{name:10} {size_on_disk(name):7.0f} MB {seconds:8.2f} s {memory:7.0f} MB {step:>12}")


def best(code, name):
    """The smallest of each number that a few runs of the code print."""
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code.format(name=name)], check=True, capture_output=True
            ).stdout
        )
        for _ in range(ROUNDS)
    ]
    return [min(numbers) for numbers in zip(*runs, strict=True)]


def size_on_disk(name):
    """Megabytes of a distribution and of all it requires; NumPy's own only when asked for NumPy."""
    waiting, seen, total = [name], set(), 0
    while waiting:
        current = waiting.pop()
        if current in seen or (current == "numpy" and name != "numpy"):
            continue
        seen.add(current)
        try:
            distribution = importlib.metadata.distribution(current)
        except importlib.metadata.PackageNotFoundError:
            continue
        total += sum(
            file.locate().stat().st_size for file in distribution.files or [] if file.locate().is_file()
        )
        required = [r for r in distribution.requires or [] if "extra ==" not in r]
        waiting += [re.match(r"[\w.-]+", requirement)[0].lower() for requirement in required]
    return total / 2**20


if __name__ == "__main__":
    main(sys.argv[1:])
