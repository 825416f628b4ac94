"""The endpoint as a writer of moves: the words of a reply that stands in a prompt, as a question or as a statement."""

import re

_REPLY = re.compile(r"<reply>\n(.*?)\n</reply>", re.DOTALL)
_ASKED = re.compile(r"^- (?:a question|提问)[:：]", re.MULTILINE)


def rewritten(text: str, chinese: bool) -> str | None:
    """Return the first sentence of the reply in a prompt, in the form that is asked for. None without a reply."""
    reply = _REPLY.search(text)
    if reply is None:
        return None
    words = re.split(r"[.。?？]", reply[1].strip())[0].strip()
    if not _ASKED.search(text):
        return f"{words}{'。' if chinese else '.'}"
    return f"是不是{words}？" if chinese else f"Is it that {words[:1].lower()}{words[1:]}?"
