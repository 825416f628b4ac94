"""Read plain text in which every turn begins with its speaker's name and a colon, half or full width."""

import re
from collections.abc import Mapping

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Draft

_REMARK = r"[（(][^（）()\n]{1,20}[）)]|\d{1,2}|[A-Z]"


def add_lines(draft: Draft, text: str, roles: Mapping[str, Role]) -> None:
    """Add the turns of a text.

    A line without a speaker continues the turn before it, and is counted. Text before the first speaker is dropped with
    a note. Only the names of `roles` are speakers, so `妈妈：` inside a turn is a quotation. A name with a number or a
    remark (`来访者（小李）`, `Client 2`) is that speaker, and is counted.
    """
    names = "|".join(re.escape(name) for name in sorted(roles, key=len, reverse=True))
    speaker_pattern = re.compile(rf"(?P<name>{names})\s*(?P<remark>{_REMARK})?\s*[:：]\s*(?P<content>.*)", re.DOTALL)
    turns: list[tuple[Role, list[str]]] = []
    preamble, joined, remarks = [], 0, list[str]()
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        match = speaker_pattern.match(line.strip())
        if match:
            turns.append((roles[match["name"]], [match["content"]]))
            remarks += [f"{match['name']}{match['remark']}"] if match["remark"] else []
        elif line.strip() and turns:
            turns[-1][1].append(line.strip())
            joined += 1
        elif line.strip():
            preamble.append(line.strip())
    if preamble:
        draft.note("text", "dropped", f"{len(preamble)} lines before the first speaker: {preamble[0][:60]!r}")
    if joined:
        draft.note("text", "merged", f"{joined} lines without a speaker joined to the turn before them")
    if remarks:
        draft.note("text", "relabelled", f"{len(remarks)} speakers with a remark taken as plain ones: {remarks[0]!r}")
    for position, (role, lines) in enumerate(turns, 1):
        draft.say(role, "\n".join(lines), f"turn {position}")
