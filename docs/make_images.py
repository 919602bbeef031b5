"""Draws the pictures of this folder with the library itself: ``python docs/make_images.py``."""

import re
from importlib import resources
from pathlib import Path

import penlight
from penlight import explain, nn, viz
from penlight.demo import flowchart

IMAGES = Path(__file__).parent / "images"


def main():
    IMAGES.mkdir(exist_ok=True)
    for name, picture in pictures().items():
        (IMAGES / name).write_text(picture + "\n", encoding="utf-8")
        print(f"docs/images/{name}: {len(picture)} bytes")


def pictures() -> dict[str, str]:
    """Every picture by the name of its file."""
    x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    return {
        "flowchart.svg": standalone(flowchart.draw(flowchart.mean_of_squares(x))),
        "graph.svg": lesson(),
        "graph-of-modules.svg": modules(),
        "graph-of-a-failure.svg": failure(),
    }


def lesson() -> str:
    """The graph of the standard first example, with the layer of gradients."""
    x = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x - 2
    a = (3 * y**2).mean()
    return viz.graph(a, gradients=True).svg()


def modules() -> str:
    """A small net of whole numbers, so that every machine draws the same."""
    net = nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU(), nn.Linear(4, 1))
    with penlight.no_grad():
        net[0].weight.copy_(penlight.tensor([[[1.0, 0.0, -1.0]]]))
        net[0].bias.fill_(1.0)
        net[2].weight.copy_(penlight.tensor([[1.0, 2.0, -1.0, 3.0]]))
        net[2].bias.fill_(0.0)
    signal = penlight.tensor([[[1.0, 2.0, 4.0, 1.0, 0.0, 3.0]]])
    with explain.record():
        loss = net(signal).square().sum()
    return viz.graph(loss, gradients=True).svg()


def failure() -> str:
    """A forward that fails, up to the failure."""
    x = penlight.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    w = penlight.tensor([[1.0, 0.0], [0.0, 1.0]])
    try:
        with explain.record() as tape:
            h = x * 2
            h @ w
    except RuntimeError:
        pass
    return viz.graph(tape).svg()


def standalone(picture: str) -> str:
    """An inline picture of the demo's page as a file, with the page's colours for light and dark."""
    sheet = resources.files("penlight.demo").joinpath("page.css").read_text(encoding="utf-8")
    colours = sheet[: sheet.index("* {")]
    shapes = re.findall(r"^(?:svg text.*|svg \.\w+|\.line.*|\.box) \{.*\}$", sheet, re.M)
    fonts = [
        'svg { font-family: system-ui, "DejaVu Sans", sans-serif; background: var(--card); }',
        'svg .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; }',
    ]
    style = "\n".join([colours, *fonts, *shapes])
    start, _, rest = picture.partition(">")
    start = start.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ')
    return f"{start}><style>{style}</style>{rest}"


if __name__ == "__main__":
    main()
