"""docs/performance.md, made by the command: python -m benchmarks --page docs/performance.md"""

import os
import pathlib
import platform

from benchmarks import denormals, instructions, memory, report

HEAD = """# Performance

This page is made by `python -m benchmarks --page docs/performance.md`, which anyone can run; the figures below are
those of the machine named below, from one run. penlight and PyTorch take turns in one process on the same threads,
JAX, where it is installed, in a process of its own that is stopped while the others are timed; the least of several
rounds counts for each. **Ratio** is the rival's time over penlight's: above 1, penlight is faster.

- `conv` are convolutions as nets have them, `sweep` are random ones from a fixed seed, so that no shape is tuned for
  alone: 1-D to 3-D, every padding mode, grouped, depthwise, transposed. *forward* runs without recording; *both* is
  forward and the gradients of input, weight and bias.
- *better layout* compares with the faster of PyTorch's two layouts, its default and `channels_last`, for each row.
  penlight has one layout; its user need not know of this.
- `graph` are small graphs, where the libraries' own overhead is the time; `train` are whole training steps; `op` are
  single operations on 4 Mi elements, and matrix products.
- `func` are transforms of functions. JAX compiles what it times, as its users do; *eager* is JAX without that.
- *Of limit* is the least time the machine could take over the time taken: the larger of the direct arithmetic over the
  multiply-adds it reaches in registers, and the bytes that must be read and written over its memory's speed, both
  measured by small kernels of the core in the same run. A [fast algorithm](fast-convolution.md)
  can be above 100 %.
"""

BOUNDS = """## What bounds the rest

- **Depthwise convolutions** in the usual layout, `(batch, channel, ...)`, read their planes in place: a register of
  results of a 3x3 kernel takes nine products and as many loads' worth of time, for two of three loads cross a cache
  line, which is as long as memory takes to bring and fetch it. The two add up where the processor cannot look far
  enough ahead to do one during the other; asking for the next plane's lines ahead of time won a fifth.
- **1x1 convolutions** on 14x14 planes are direct sums at nine tenths of the processor's limit, as PyTorch's in
  `channels_last` are; nothing but packing lies between the two.
- **Wide 3x3 weight gradients on small planes** (256 to 256 channels, 14x14) keep a sum for each of 49 frequencies and
  pair of channels: 13 MB, twice, written and read once, beside 8 ms of products at the limit. More parts of the rows in
  place of two parts of the tiles, and keeping the memory between calls, changed nothing.
- **3-D input gradients under wide circular or replicate padding** (3 on planes of 8x8x8) are made on the padded input,
  five times the positions, and folded.
- **Three taps of stride 2** are too few for a fast algorithm by phases: 5.4 products instead of 9 are eaten up by the
  transforms of four times as many channels.
- **Small tensors' memory**: a 2x2 tensor is a Python object with room for attributes and weak references (64 bytes),
  sizes and strides kept in the tensor itself (about 180 bytes with what autograd hangs on) and a storage with its
  version count and numbers (80 bytes).
"""


def make(path, rows, limits):
    """Writes the page, and the roofline picture beside it in images/."""
    from benchmarks import roofline

    path = pathlib.Path(path)
    picture = path.parent / "images" / "roofline.svg"
    picture.parent.mkdir(parents=True, exist_ok=True)
    roofline.draw(picture, rows, limits)
    parts = [
        HEAD,
        "## The machine\n",
        machine_text(limits),
        "## In short\n",
        report.summary(rows) + "\n",
        f"![Each case under the machine's roof](images/{picture.name})\n",
        "## Where a rival is ahead\n",
        behind_text(rows),
        BOUNDS,
        "## Memory\n",
        "Resident memory in MiB, one thread, each figure from a process of its own. *Over start* leaves out what the "
        "imported library takes.\n",
        memory.as_markdown(memory.measure()) + "\n",
        "## Denormal numbers\n",
        "A training step whose weights and data are denormal (about 1e-39), over the same with ordinary ones; one "
        "thread. `python -m benchmarks.denormals` makes the table.\n",
        denormals.as_markdown(denormals.measure()) + "\n",
        "## Instructions\n",
        instructions_text(),
        "## Every row\n",
        report.as_markdown(rows) + "\n",
    ]
    path.write_text("\n".join(parts))


def machine_text(limits):
    versions = ", ".join(f"{name} {version}" for name, version in rivals())
    return (
        f"{limits[0]['processor']}, {os.cpu_count()} processors seen by the system, {platform.system()}, "
        f"Python {platform.python_version()}; {versions}. Measured limits:\n\n"
        + "\n".join(f"- {line}" for line in report.limits_text(limits).splitlines())
        + "\n"
    )


def rivals():
    import importlib.metadata

    for name in ("torch", "jax"):
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue


def behind_text(rows):
    lines = ["| case | threads | rival | ratio |", "|---|---:|---|---:|"]
    found = [
        (ratio, row["case"], row["threads"], rival)
        for row in rows
        for rival, ratio in (row.get("ratio") or {}).items()
        if ratio < 1
    ]
    lines += [
        f"| {case} | {threads} | {rival} | {ratio:.2f} |" for ratio, case, threads, rival in sorted(found)
    ]
    missing = [f"- {row['case']}: {reason}" for row in rows for _, reason in row["missing"].items()]
    if not found:
        lines = ["Nowhere in this run."]
    return "\n".join([*lines, "", *missing]) + "\n"


def instructions_text():
    count = instructions.per_step()
    if count is None:
        return "Valgrind was not installed where this page was made.\n"
    return (
        f"`(3 * (x - 2) ** 2).mean().backward()` on a 2x2 tensor takes **{count:,.0f} processor instructions**, the "
        "Python interpreter's own included (AVX2): a figure that does not depend on what else the machine does. "
        "`python -m benchmarks.instructions` counts them with Valgrind's callgrind.\n"
    )
