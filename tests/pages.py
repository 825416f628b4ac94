"""What a page of the documentation shows: its commands, its Python, the files that it links."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def blocks(page: str, kind: str) -> list[str]:
    """The code of all blocks of a kind, such as `console` or `python`."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL)


def commands(page: str) -> list[str]:
    """The lines of all console blocks."""
    return [line for block in blocks(page, "console") for line in block.splitlines() if line.strip()]


def broken_links(page: str) -> list[str]:
    """Links to files that do not exist."""
    text = (ROOT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert links
    return [link for link in links if not ((ROOT / page).parent / link).exists()]
