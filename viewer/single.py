"""One dialogue of a run as a page in one file, with nothing beside it: for notebooks, and to send to somebody."""

import base64
import hashlib
import html
import re
from collections.abc import Sequence

from cocoon.core.records import Language
from cocoon.running.reading.reader import RunReader
from cocoon.running.reading.summary import file_of
from cocoon.viewer.page import data_script, dialogue_file, graphs, page_facts, page_file

_POLICY = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")[^"]*(">)')
_STYLE_LINK = '<link rel="stylesheet" href="view.css">'
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
_BEFORE_DATA = "view_parts.js"
"""The script that defines what files of data call. They stand right after it."""


def dialogue_page(run: RunReader, name: str, language: Language = "en") -> str:
    """Return the trace page of one dialogue as a whole HTML document.

    It loads nothing, and its policy allows exactly its own scripts and style, each by its hash. Raises CocoonError for
    a dialogue that the run does not have.
    """
    run.refresh()
    run.dialogue(name)
    page, style = page_file("view.html"), page_file("view.css")
    scripts = {file: page_file(file) for file in _SCRIPT.findall(page)}
    scripts[_BEFORE_DATA] += "".join(_data(run, name, language))
    policy = _policy(list(scripts.values()), style)
    page = _POLICY.sub(lambda match: f"{match[1]}{policy}{match[2]}", page)
    page = page.replace(_STYLE_LINK, f"<style>{style}</style>")
    return _SCRIPT.sub(lambda match: f"<script>{scripts[match[1]]}</script>", page)


def iframe(document: str, title: str, height: int) -> str:
    """Return an HTML document as a frame of another page, `height` pixels high.

    The sandbox gives it an origin of its own, so that nothing in it reaches the page around it.
    """
    return (
        f'<iframe srcdoc="{html.escape(document)}" title="{html.escape(title)}" sandbox="allow-scripts" '
        f'style="width:100%;height:{height}px;border:1px solid #d9dee3;border-radius:8px"></iframe>'
    )


def _data(run: RunReader, name: str, language: Language) -> Sequence[str]:
    alone = {
        **{"live": False, "other": None, "alone": True, "source": "", "serials": [0, 0], "state": run.state()},
        **{"left": 0, "count": 1, "dialogues": [run.summary(name)], "others": []},
    }
    whole = dialogue_file(f"data/{file_of(name)}", run, name)
    return [data_script("index", page_facts(run, language) | alone), graphs(), whole]


def _policy(scripts: Sequence[str], style: str) -> str:
    allowed = " ".join(map(_hash_source, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash_source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
