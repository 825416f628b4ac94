"""Tables of a report as LaTeX with booktabs, ready to \\input."""

from cocoon.reports.tables.records import Report, Row, Table, cell_lines, one_line

_HEAD = "% needs: booktabs, graphicx; Chinese text needs XeLaTeX or LuaLaTeX with ctex\n"
_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"{\char34}",
        "[": "{[}",
        "]": "{]}",
        "–": "--",
    }
)


def escape_latex(text: str) -> str:
    """Return text on one line without LaTeX commands.

    A bracket in it cannot be read as an option of the end of a row.
    """
    return one_line(text).translate(_SPECIAL)


def render_latex(report: Report) -> dict[str, str]:
    """Return table id -> a table environment.

    Warnings of the report are in every caption, because tables are copied out one by one.
    """
    return {table.id: _table(table, report.warnings) for table in report.tables}


def _table(table: Table, warnings: list[str]) -> str:
    caption = " ".join(escape_latex(text) for text in [f"{table.title}.", table.note, *warnings] if text)
    names = " & ".join(escape_latex(name) for name in [*table.keys, *table.measures])
    lines = [
        r"\begin{table*}[t]",
        r"\centering",
        r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{'l' * len(table.keys)}{'c' * len(table.measures)}}}",
        r"\toprule",
        rf"{names} \\",
        r"\midrule",
        *(_row(table, row) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{table.id.replace('_', '-')}}}",
        r"\end{table*}",
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _row(table: Table, row: Row) -> str:
    cells = [_stack(cell_lines(row.cells.get(name), table.digits.get(name, 2))) for name in table.measures]
    return rf"{' & '.join([*(escape_latex(label) for label in row.labels), *cells])} \\"


def _stack(lines: list[str]) -> str:
    """Return the value above its interval and counts, which are in a smaller font."""
    first, *rest = [escape_latex(line) for line in lines]
    below = "".join(rf"\\{{\scriptsize {line}}}" for line in rest)
    return rf"\shortstack{{{first}{below}}}" if rest else first
