"""Checks that no page of the built site loads anything from elsewhere: ``python docs/check_site.py FOLDER``.

Links that a reader follows may lead anywhere; scripts, styles, pictures, fonts and frames are the site's own.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADING = {"src", "srcset", "poster", "data"}
ELSEWHERE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)", re.IGNORECASE)


class Loads(HTMLParser):
    """Addresses elsewhere that a page loads of itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attrs:
            loads = name in LOADING or (
                tag == "link" and name == "href" and ("rel", "canonical") not in attrs
            )
            if value and loads and ELSEWHERE.match(value):
                self.found.append(value)
            elif value and name == "style":
                self.found += IN_STYLES.findall(value)
            elif value and name == "srcdoc":  # a frame with a page of its own
                self.found += loads_of(value)

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.found += IN_STYLES.findall(data)


def loads_of(page: str) -> list[str]:
    parser = Loads()
    parser.feed(page)
    return parser.found


def main(site: Path) -> int:
    pages = sorted(site.rglob("*.html"))
    if not pages:
        sys.exit(f"no pages in {site}")
    found = {page: loads_of(page.read_text(encoding="utf-8")) for page in pages}
    found |= {
        style: IN_STYLES.findall(style.read_text(encoding="utf-8")) for style in sorted(site.rglob("*.css"))
    }
    for path, addresses in found.items():
        for address in addresses:
            print(f"{path.relative_to(site)} loads {address[:120]}")
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
