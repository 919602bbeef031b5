"""Training steps on denormal numbers (under 1.2e-38, which processors can be slow at) against ordinary ones.

python -m benchmarks.denormals
"""

import time

ORDINARY, DENORMAL = 1.0, 1e-39


def nets(nn):
    yield (
        "2-D convolutions, linear layers, tanh",
        (32, 1, 28, 28),
        lambda: nn.Sequential(
            nn.Conv2d(1, 16, 3),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 12 * 12, 64),
            nn.Tanh(),
            nn.Linear(64, 10),
        ),
    )
    yield (
        "batch norm, grouped and depthwise convolutions",
        (32, 8, 28, 28),
        lambda: nn.Sequential(
            nn.Conv2d(8, 8, 3, groups=8),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 32, 3, groups=4),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 12 * 12, 10),
        ),
    )
    yield (
        "1-D convolutions with long kernels, layer norm",
        (16, 2, 2000),
        lambda: nn.Sequential(
            nn.Conv1d(2, 16, 25),
            nn.ReLU(),
            nn.Conv1d(16, 16, 9),
            nn.AdaptiveAvgPool1d(8),
            nn.Flatten(),
            nn.LayerNorm(128),
            nn.Linear(128, 10),
        ),
    )


def step_time(torch, make, shape, optimizer, scale):
    """Seconds of one step, the least of several; the weights keep their size."""
    torch.manual_seed(0)
    net = make()
    x, y = torch.randn(*shape) * scale, torch.randint(0, 10, (shape[0],))
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(scale / p.abs().mean().clamp_min(0.01))
    opt = getattr(torch.optim, optimizer)(net.parameters(), lr=1e-42)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        opt.step()
        times.append(time.perf_counter() - start)
    return min(times)


def measure():
    """Rows of (net, optimizer, time on denormal numbers over time on ordinary ones)."""
    import penlight as torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [
            (
                title,
                optimizer,
                step_time(torch, make, shape, optimizer, DENORMAL)
                / step_time(torch, make, shape, optimizer, ORDINARY),
            )
            for title, shape, make in nets(torch.nn)
            for optimizer in ("SGD", "Adam")
        ]
    finally:
        torch.set_num_threads(threads)


def as_markdown(rows):
    lines = ["| net | optimizer | denormal / ordinary |", "|---|---|---:|"]
    return "\n".join(lines + [f"| {title} | {optimizer} | {ratio:.2f} |" for title, optimizer, ratio in rows])


if __name__ == "__main__":
    print(as_markdown(measure()))
