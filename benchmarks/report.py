"""The table: printed, and saved as Markdown and JSON."""

import json
import math
import pathlib

HEAD = [
    "case",
    "thr",
    "ms",
    "GFLOP/s",
    "GB/s",
    "of limit",
    "torch ms",
    "ratio",
    "ch.last ms",
    "ratio",
    "jax ms",
    "ratio",
    "eager ms",
    "ratio",
]


def row_of(case, seconds, missing, limit):
    """The numbers of one case on one thread count."""
    row = {
        "case": case.title,
        "family": case.family,
        "threads": limit["threads"],
        "flops": case.flops,
        "bytes": case.bytes,
        "ms": {name: value * 1e3 for name, value in seconds.items()},
        "missing": missing,
        **case.tags,
    }
    if "penlight" in seconds:
        own = seconds["penlight"]
        least = max(case.flops / (limit["gflops"] * 1e9), case.bytes / (limit["gbytes"] * 1e9))
        row["of_limit"] = least / own if least else None
        row["bound"] = "compute" if case.flops / limit["gflops"] > case.bytes / limit["gbytes"] else "memory"
        row["ratio"] = {name: value / own for name, value in seconds.items() if name != "penlight"}
    return row


def cells(row):
    own = row["ms"].get("penlight")
    if own is None:
        return [row["case"], str(row["threads"]), row["missing"].get("penlight", "?")[:60]] + [""] * 11
    rate = row["flops"] / own / 1e6 if row["flops"] else None
    width = row["bytes"] / own / 1e6 if row["bytes"] else None
    limit = row.get("of_limit")
    line = [row["case"], str(row["threads"]), number(own), number(rate), number(width)]
    line.append(f"{limit:.0%} {row['bound']}" if limit else "")
    for name in ("torch", "torch channels_last", "jax", "jax eager"):
        line += [number(row["ms"].get(name)), number(row["ratio"].get(name))]
    return line


def number(value):
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 5)}f}"


def as_markdown(rows):
    lines = [HEAD, ["---"] + ["---:"] * (len(HEAD) - 1)] + [cells(row) for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def line_of(row):
    values = cells(row)
    widths = [44, 3, 10, 8, 7, 12, 10, 7, 10, 7, 10, 7, 10, 7]
    return values[0].ljust(widths[0]) + " ".join(
        v.rjust(w) for v, w in zip(values[1:], widths[1:], strict=True)
    )


def summary(rows):
    """The geometric mean and the least of the ratios, by family, part and number of threads."""
    groups = {}
    for row in rows:
        ratios = row.get("ratio") or {}
        key = (row["family"], row.get("part", ""), row["threads"])
        if "torch" in ratios:
            groups.setdefault((*key, "torch"), []).append((ratios["torch"], row["case"]))
            better = min(ratios["torch"], ratios.get("torch channels_last", math.inf))
            if "torch channels_last" in ratios:
                groups.setdefault((*key, "torch, better layout"), []).append((better, row["case"]))
        for rival in ("jax", "jax eager"):
            if rival in ratios:
                groups.setdefault((*key, rival), []).append((ratios[rival], row["case"]))
    lines = [
        "| family | part | threads | rival | rows | geometric mean | least | under 1 |",
        "|---|---|---:|---|---:|---:|---|---:|",
    ]
    for (family, part, threads, rival), found in groups.items():
        mean = math.exp(sum(math.log(ratio) for ratio, _ in found) / len(found))
        least, where = min(found)
        under = sum(ratio < 1 for ratio, _ in found)
        lines.append(
            f"| {family} | {part} | {threads} | {rival} | {len(found)} | {mean:.2f} | {least:.2f} "
            f"({where.split('/', 1)[1]}) | {under} ({under / len(found):.0%}) |"
        )
    return "\n".join(lines)


def limits_text(limits):
    lines = []
    for limit in limits:
        lines.append(
            f"{limit['processor']} ({limit['instruction set']}), {limit['threads']} thread(s): "
            f"{limit['gflops']:.0f} GFLOP/s float32, {limit['gflops float64']:.0f} float64; "
            + ", ".join(f"{name} {limit[name]:.1f}" for name in ("read", "copy", "copy streaming", "triad"))
            + " GB/s"
        )
    return "\n".join(lines)


def save(path, rows, limits):
    """path.json with every number, path.md with the tables."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps({"limits": limits, "rows": rows}, indent=1))
    text = f"{limits_text(limits)}\n\n{summary(rows)}\n\n{as_markdown(rows)}\n"
    path.with_suffix(".md").write_text(text)
