"""Processor instructions of the tiny graph, counted by Valgrind's callgrind: a figure without noise.

    python -m benchmarks.instructions

Two runs of different length are subtracted, so that start-up does not count. PENLIGHT_ISA=avx2, as Valgrind does
not know AVX-512.
"""

import os
import re
import shutil
import subprocess
import sys

CODE = """
import sys
import penlight as torch
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
for _ in range(int(sys.argv[1])):
    x.grad = None
    (3 * (x - 2) ** 2).mean().backward()
"""


def count(steps):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-c", CODE]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PENLIGHT_ISA": "avx2", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.run(
        [*command, str(steps)], check=True, capture_output=True, text=True, env=environment
    )
    return int(re.search(r"Collected : (\d+)", process.stderr)[1])


def per_step(few=500, many=2500):
    """Instructions of one step, the Python interpreter's own included; None where Valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return None
    return (count(many) - count(few)) / (many - few)


if __name__ == "__main__":
    found = per_step()
    print("Valgrind is not installed" if found is None else f"{found:.0f} instructions a step")
