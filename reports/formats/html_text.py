"""Text from data as HTML, which can never become markup."""

from collections.abc import Iterable
from html import escape

from cocoon.reports.tables.records import one_line


def escape_html(text: str) -> str:
    """Return text on one line, safe between tags and in a quoted attribute."""
    return escape(one_line(text), quote=True)


def linked(inside: str, address: str | None) -> str:
    """Return finished HTML as a link to an address, or as it is where there is no address."""
    return inside if address is None else f'<a href="{escape_html(address)}">{inside}</a>'


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and texts as a list of definitions."""
    items = (f"<dt>{escape_html(name)}</dt><dd>{escape_html(text)}</dd>" for name, text in pairs)
    return f"<dl>{''.join(items)}</dl>"
