"""The trace page of a demonstration, written beside its run and opened where there is a browser."""

import os
import sys
import webbrowser
from pathlib import Path

from cocoon.core.records import Language
from cocoon.running.reading.reader import RunReader
from cocoon.viewer.page import RunPage, export_page


def write_trace_page(run: Path, language: Language = "en") -> Path:
    """Write the trace page of a run into its folder `page`, and return the file to open."""
    export_page(RunPage(RunReader(run), language=language), run / "page")
    return run / "page" / "view.html"


def open_in_browser(file: Path) -> bool:
    """Open a page in the browser, and return whether there is one to open it.

    On Linux without a desktop nothing is opened, since a browser of the terminal would take the terminal over.
    """
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    return webbrowser.open(file.resolve().as_uri())
