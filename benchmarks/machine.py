"""The machine's own limit, measured by small kernels of the core."""

import functools
import platform
import time


def best(probe, seconds=0.3):
    """The most of as many rounds as fit into a time: threads take a while to find a core each."""
    end, most = time.perf_counter() + seconds, probe()
    while time.perf_counter() < end:
        most = max(most, probe())
    return most


def measure(penlight):
    """{"gflops": multiply-adds in registers, "gbytes": the best of streaming loops, ...} on the threads set.

    Bytes are those read and written, not the line fills that ordinary stores cause besides.
    """
    core = penlight._C
    limit = {
        "threads": penlight.get_num_threads(),
        "gflops": best(core._probe_fma),
        "gflops float64": best(lambda: core._probe_fma(double=True)),
    }
    for name in ("read", "copy", "copy streaming", "triad"):
        limit[name] = best(functools.partial(core._probe_stream, name))
    limit["gbytes"] = max(limit[name] for name in ("read", "copy", "copy streaming", "triad"))
    limit["processor"] = processor()
    limit["instruction set"] = core._instruction_set()
    return limit


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
