"""Every edge of both building graphs, walked over HTTP by the commands."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cocoon.core.jsonl import dump_line
from cocoon.graphs.drawing.draw import draw_graph, open_graph
from cocoon.graphs.drawing.walked import walked_edges
from cocoon.tests.commands import cocoon, said, server
from cocoon.tests.graphs import test_profile_graph as profiles
from cocoon.tests.graphs import test_script_graph as scripts

Edges = set[tuple[str, str]]


def edges_of(graph: str) -> Edges:
    return {(edge.source, edge.target) for edge in draw_graph(open_graph(graph)).edges}


def walked_in(run: Path, graph: str) -> Edges:
    return set(walked_edges(run)[graph])


def replying(says: Callable[[str], Any]) -> Callable[[dict[str, Any]], tuple[int, Any]]:
    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        found = says("\n".join(message["content"] for message in request["messages"]))
        return said(found if isinstance(found, str) else json.dumps(found))

    return answer


# Prompt of a node -> what makes it end in `drop`.
BROKEN_PROFILES = [
    "wants, on the surface",
    "one more step",
    "Rate how far",
    "how the person would say",
    "memories, in",
    "makes sense",
]


def test_every_edge_of_the_profile_graph_is_walked(tmp_path: Path) -> None:
    def build(name: str, broken: str | None = None, same: bool = False) -> Edges:
        def says(text: str) -> Any:
            if broken and broken in text:
                return "not JSON"
            if "Rate how far" in text or "makes sense" in text:
                return profiles.rater(2, 3)(text)
            found = profiles.writer(text)
            return (
                {"memories": [profiles.EVENTS[0]] * len(found["memories"])} if same and "memories" in found else found
            )

        with server(replying(says)) as spec:
            given = [
                "profiles",
                "build",
                "-n",
                "1",
                "--language",
                "en",
                "--writer",
                spec,
                "--out",
                str(tmp_path / name),
            ]
            cocoon(*given)
        return walked_in(tmp_path / name, "profile")

    found = build("whole") | build("same", same=True)
    for number, mark in enumerate(BROKEN_PROFILES):
        found |= build(f"broken-{number}", broken=mark)
    assert found == edges_of("profile")


# Name of a profile -> the prompt whose answer is broken in its dialogue.
BROKEN_SCRIPTS = {
    "a": "next 3 exchanges",
    "b": "Judge two things",
    "c": "in three steps",
    "d": "closing words",
    "e": "rating form",
}


def test_every_edge_of_the_script_graph_is_walked(tmp_path: Path) -> None:
    repaired: set[str] = set()

    def says(text: str) -> Any:
        name = next(iter(re.findall(r"weary (\w)\b", text)), "")
        if name in BROKEN_SCRIPTS and BROKEN_SCRIPTS[name] in text:
            return "not JSON"
        marks = (
            "Judge two things",
            "rating form",
            "may have thought",
            "Compare two texts",
            "Does the Supporter advise",
        )
        if not any(mark in text for mark in marks):
            return scripts.changed(3, draft=scripts.ADVISED)(text) if name == "f" else scripts.writer(text)
        found = scripts.rater(text)
        if name == "g" and "Judge two things" in text and name not in repaired:
            repaired.add(name)
            return found | {"decision": "repair", "note": "they repeat themselves"}
        return found

    people = [scripts.person(name).model_copy(update={"feeling": f"I am weary {name}"}) for name in "abcdefg"]
    (tmp_path / "p.jsonl").write_bytes(b"".join(map(dump_line, people)))
    (tmp_path / "g.jsonl").write_bytes(dump_line(people[-1]))
    with server(replying(says)) as spec:
        given = ["--writer", spec, "--json"]
        done = cocoon("script", "--profiles", str(tmp_path / "p.jsonl"), *given, "--out", str(tmp_path / "run"))
        short = ("-o", "minimum_turns=40")
        cocoon("script", "--profiles", str(tmp_path / "g.jsonl"), *given, *short, "--out", str(tmp_path / "short"))
    assert done.json["kept"] == 1 and sum(done.json["dropped"].values()) == 6
    assert walked_in(tmp_path / "run", "script") | walked_in(tmp_path / "short", "script") == edges_of("script")
