"""Draws the pictures of this folder with the library itself: ``python docs/make_images.py``."""

import re
from importlib import resources
from pathlib import Path

import penlight
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
    return {"flowchart.svg": standalone(flowchart.draw(flowchart.mean_of_squares(x)))}


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
