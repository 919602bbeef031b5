"""Resident memory, each figure from a process of its own.

    python -m benchmarks.memory

"Over start" leaves out what the process took when the library was imported and had run one small operation.
"""

import importlib.util
import json
import subprocess
import sys

_HEAD = """
import json, resource
import {name} as torch
torch.set_num_threads({threads})
torch.ones(2, 2) * 2
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = resident()
"""

CASES = {
    "MNIST CNN, batch 64, Adam, 5 steps: peak": """
from benchmarks.cases.train import adam, mnist_net, step
run = step(mnist_net, 64, adam)(torch)
for _ in range(5):
    run()
print(json.dumps([peak(), peak() - before]))
""",
    "a million 2x2 tensors": """
kept = [None] * 1_000_000
before = resident()
for i in range(1_000_000):
    kept[i] = torch.ones(2, 2)
print(json.dumps([resident(), resident() - before]))
""",
    "a million recorded 2x2 products": """
kept, x = [None] * 1_000_000, torch.ones(2, 2, requires_grad=True)
before = resident()
for i in range(1_000_000):
    kept[i] = x * 2
print(json.dumps([resident(), resident() - before]))
""",
}


def measure(threads=1, libraries=("penlight", "torch")):
    """[{"case": ..., library: [MiB in all, MiB over start]}, ...] of the libraries installed."""
    found = [name for name in libraries if importlib.util.find_spec(name)]
    rows = []
    for case, code in CASES.items():
        row = {"case": case}
        for name in found:
            text = _HEAD.format(name=name, threads=threads) + code
            answer = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True)
            row[name] = json.loads(answer.stdout)
        rows.append(row)
    return rows


def as_markdown(rows):
    lines = ["| MiB | penlight | torch | torch's part | over start: penlight | torch | torch's part |"]
    lines.append("|---" + "|---:" * 6 + "|")
    for row in rows:
        cells = [row["case"]]
        for i in (0, 1):
            own, rival = row["penlight"][i], row.get("torch", [None, None])[i]
            cells += [f"{own:.0f}", f"{rival:.0f}" if rival else "", f"{own / rival:.2f}" if rival else ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown(measure()))
