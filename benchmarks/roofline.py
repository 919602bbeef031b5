"""A picture: each case a point under the machine's roof, penlight and PyTorch side by side."""


def draw(path, rows, limits):
    """Writes the picture. Over the arithmetic a byte of memory calls for, the arithmetic a second reaches."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, all_axes = plt.subplots(1, len(limits), figsize=(7 * len(limits), 6), squeeze=False, sharey=True)
    for axes, limit in zip(all_axes[0], limits, strict=True):
        shown = [row for row in rows if row["threads"] == limit["threads"] and row["flops"] and row["bytes"]]
        intensities = [row["flops"] / row["bytes"] for row in shown] or [1]
        low, high = min(intensities) / 2, max(intensities) * 2
        ridge = limit["gflops"] / limit["gbytes"]
        edge = [low, ridge, max(high, ridge)]
        axes.loglog(edge, [min(limit["gflops"], x * limit["gbytes"]) for x in edge], color="black", lw=1.5)
        for name, marker, color in (("torch", "x", "tab:orange"), ("penlight", "o", "tab:blue")):
            points = [
                (row["flops"] / row["bytes"], row["flops"] / row["ms"][name] / 1e6)
                for row in shown
                if name in row["ms"]
            ]
            if points:
                axes.scatter(*zip(*points, strict=True), marker=marker, color=color, label=name, alpha=0.7)
        for row in shown:
            own, rival = row["ms"].get("penlight"), row["ms"].get("torch")
            if own and rival:
                x = row["flops"] / row["bytes"]
                axes.plot([x, x], [row["flops"] / ms / 1e6 for ms in (own, rival)], color="0.8", zorder=0)
        axes.set_title(
            f"{limit['threads']} thread(s): {limit['gflops']:.0f} GFLOP/s, {limit['gbytes']:.0f} GB/s"
        )
        axes.set_xlabel("operations for each byte that must be moved")
        axes.legend()
    all_axes[0][0].set_ylabel("GFLOP/s of direct arithmetic")
    figure.suptitle(limits[0]["processor"])
    figure.tight_layout()
    figure.savefig(path, dpi=120)
