"""The machine's own limit, measured by small kernels of the core."""

import platform


def measure(penlight, rounds=7):
    """{"gflops": multiply-adds in registers, "gbytes": the best of streaming loops, ...} on the threads set.

    Bytes are those read and written, not the line fills that ordinary stores cause besides.
    """
    core = penlight._C
    limit = {
        "threads": penlight.get_num_threads(),
        "gflops": max(core._probe_fma() for _ in range(rounds)),
        "gflops float64": max(core._probe_fma(double=True) for _ in range(rounds)),
    }
    for name in ("read", "copy", "copy streaming", "triad"):
        limit[name] = max(core._probe_stream(name) for _ in range(rounds))
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
