"""The drawn graphs are the real ones: every arrow against the compiled graph and against what a run walked."""

import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from langgraph.graph import END, START, StateGraph
from typer.testing import CliRunner

from cocoon.cli.graph import graph as graph_command
from cocoon.core.config import StudyConfig
from cocoon.core.errors import CocoonError
from cocoon.graphs.conversation import ConversationState
from cocoon.graphs.drawing.draw import GRAPHS, Drawing, Edge, Node, draw_graph, draw_mermaid, open_graph
from cocoon.graphs.drawing.layout import lay_out
from cocoon.graphs.drawing.svg import to_svg
from cocoon.models.scripted import ScriptedChat
from cocoon.running.session import simulate
from cocoon.running.study import Study, open_models
from cocoon.tests.conversations import shipped_profiles

SVG = "{http://www.w3.org/2000/svg}"
Pairs = set[tuple[str, str]]
REAL_NAMES = {
    "conversation": "conversation-guarded",
    "conversation-prompted": "conversation-prompted",
    "assessment": "assessment",
    "profile": "profile",
    "script": "script",
    "preference": "preference",
}
BOTH_WAYS = {"goes on", "is over", "opened", "branched"}
LABELS = {"conversation": BOTH_WAYS, "conversation-prompted": BOTH_WAYS, "assessment": {"each judge and vote"}}
LABELS |= {"script": {"goes on", "dropped", "clean", "continue", "repair", "stop"}}
LABELS |= {"profile": {"goes on", "dropped", "deeper", "stop"}, "preference": {"each question and order"}}
ARROW = re.compile(r"^\s*(\w+) (?:-->|-\.->|-\. &nbsp;(.+?)&nbsp; \.->) (\w+);$", re.MULTILINE)

app = typer.Typer()
app.command()(graph_command)


def real_edges(name: str) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, str(edge.data or "")) for edge in open_graph(name).get_graph().edges}


def svg_edges(text: str) -> set[tuple[str, str, str]]:
    arrows = [group for group in ElementTree.fromstring(text).iter(f"{SVG}g") if "edge" in group.get("class", "")]
    labels = [next((label.text or "" for label in group.iter(f"{SVG}text")), "") for group in arrows]
    ends = [(group.get("data-source", ""), group.get("data-target", "")) for group in arrows]
    return {(*pair, label) for pair, label in zip(ends, labels, strict=True)}


def mermaid_edges(text: str) -> set[tuple[str, str, str]]:
    return {(source, target, label) for source, label, target in ARROW.findall(text)}


def walked(trace: Path, graph: str) -> Pairs:
    """Pairs of nodes that followed each other in a trace; nodes side by side (one step) count once."""
    events = [json.loads(line) for line in trace.read_text("utf-8").splitlines()]
    pairs: Pairs = set()
    for name in {event["dialogue"] for event in events}:
        nodes = {
            e["step"]: e["node"] for e in events if (e["dialogue"], e["graph"], e["event"]) == (name, graph, "node")
        }
        pairs |= set(itertools.pairwise(["__start__", *(nodes[step] for step in sorted(nodes)), "__end__"]))
    return pairs


async def run_study(out: Path, kind: str) -> Path:
    """A run of four dialogues and their ratings with scripted models; the path of its trace."""
    config = StudyConfig.model_validate(
        {
            "rounds": 2,
            "form_pairs": 0,
            "supporters": [{"name": "s", "model": "scripted:supporter"}],
            "user": {
                "kind": kind,
                "rules": "naming",
                "model": "scripted:user",
                "appraiser": "scripted:appraiser",
                "may_leave": True,
            },
            "judge": {"model": "scripted:judge", "scales": ["success", "basic"]},
        }
    )
    models = open_models(config)
    left = iter(["Hm.", "Leave me alone. [END]"])
    models.wrap("scripted:user", ScriptedChat(script=lambda _messages, _options: next(left, "Hm.")))
    models.wrap("scripted:supporter", ScriptedChat(replies=["I am listening."]))
    strong = json.dumps({"accuracy": "wrong", "pressure": 2, "touched": None, "asked": True})
    models.wrap("scripted:appraiser", ScriptedChat(replies=[strong, "unreadable"]))
    models.wrap("scripted:judge", ScriptedChat(replies=['{"reason": "", "named": false}']))
    outcome = await simulate(Study(config, models), shipped_profiles()[:4], out)
    assert outcome.stopped_by is None and outcome.failures == 0
    return out / "trace.jsonl"


@pytest.mark.parametrize("name", GRAPHS)
def test_the_drawn_edges_are_the_real_ones(name: str) -> None:
    real = real_edges(name)
    assert {(edge.source, edge.target, edge.label) for edge in draw_graph(open_graph(name)).edges} == real
    assert mermaid_edges(draw_mermaid(open_graph(name))) == real
    assert svg_edges(to_svg(draw_graph(open_graph(name)))) == real


@pytest.mark.parametrize("kind", ["guarded", "prompted"])
async def test_what_a_run_walks_is_drawn_and_what_is_drawn_is_walked(tmp_path: Path, kind: str) -> None:
    trace = await run_study(tmp_path / "run", kind)
    for name, graph in REAL_NAMES.items():
        if graph in (f"conversation-{kind}", "assessment"):
            drawn = {(source, target) for source, target, _ in svg_edges(to_svg(draw_graph(open_graph(name))))}
            # Only a branch goes from the opening to the supporter.
            assert walked(trace, graph) == drawn - {("open", "supporter")}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_labels_of_the_rules_stand_in_both_pictures(name: str) -> None:
    made = open_graph(name)
    for edges in (svg_edges(to_svg(draw_graph(made))), mermaid_edges(draw_mermaid(made))):
        assert {label for _, _, label in edges if label} == LABELS[name]
    assert made.get_name() == REAL_NAMES[name]


def test_every_box_tells_what_it_does_in_its_code_s_words() -> None:
    text = to_svg(draw_graph(open_graph("conversation")))
    assert "<title>The guarded user speaks from what is open.</title>" in text
    assert "<script" not in text and "prefers-color-scheme: dark" in text
    assert [link for link in re.findall(r"https?://[^\"\s]+", text) if link != "http://www.w3.org/2000/svg"] == []


def test_names_and_labels_are_escaped() -> None:
    odd = "a<b>&\"'c"
    nodes = [Node(odd, odd, odd), Node("__end__", "end", kind="end")]
    text = to_svg(Drawing(odd, nodes, [Edge(odd, "__end__", odd, True)]))
    root = ElementTree.fromstring(text)
    assert root.findtext(f"{SVG}title") == odd
    assert svg_edges(text) == {(odd, "__end__", odd)}
    (box, _) = [group for group in root.iter(f"{SVG}g") if group.get("data-node")]
    assert [box.get("data-node"), box.findtext(f"{SVG}title"), box.findtext(f"{SVG}text")] == [odd] * 3


def test_a_pair_of_boxes_has_one_arrow_with_every_answer_of_the_rule() -> None:
    graph = StateGraph(ConversationState)
    graph.add_node("rate", lambda state: state)
    graph.add_edge(START, "rate")
    graph.add_conditional_edges("rate", lambda _: "3", {"3": END, "4": END})
    (_, last) = draw_graph(graph.compile()).edges
    assert (last.source, last.target, last.conditional) == ("rate", "__end__", True)
    assert last.label == "3 / 4"


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points along an SVG path of absolute M, L, Q and C commands, close together."""
    here = (0.0, 0.0)
    for command, numbers in re.findall(r"([MLQC])([^MLQC]*)", path):
        values = [float(number) for number in numbers.split()]
        way = [here, *zip(values[::2], values[1::2], strict=True)]
        for step in range(101) if command != "M" else ():
            yield along(way, step / 100)
        here = way[-1]


def along(way: list[tuple[float, float]], t: float) -> tuple[float, float]:
    """The point at share `t` of a Bezier curve (a line is one of two points), by de Casteljau."""
    while len(way) > 1:
        way = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in itertools.pairwise(way)]
    return way[0]


def crossings(drawing: Drawing) -> list[str]:
    """Arrows of the SVG that run through a box, by what they connect."""
    root = ElementTree.fromstring(to_svg(drawing))
    rects = [rect.attrib for rect in root.iter(f"{SVG}rect") if "paper" not in rect.get("class", "")]
    boxes = [[float(rect[key]) for key in ("x", "y", "width", "height")] for rect in rects]
    found = []
    for group in (group for group in root.iter(f"{SVG}g") if "edge" in group.get("class", "")):
        (path,) = group.iter(f"{SVG}path")
        inside = any(
            x + 0.5 < px < x + width - 0.5 and y + 0.5 < py < y + height - 0.5
            for px, py in points(path.get("d", ""))
            for x, y, width, height in boxes
        )
        found += [f"{group.get('data-source')} to {group.get('data-target')}"] if inside else []
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_no_arrow_crosses_a_box(name: str) -> None:
    assert crossings(draw_graph(open_graph(name))) == []


@pytest.mark.parametrize("seed", range(30))
def test_no_arrow_crosses_a_box_in_any_graph(seed: int) -> None:
    chance = random.Random(seed)
    steps = [f"n{number}" for number in range(chance.randint(2, 9))]
    ends = [
        ("__start__", steps[0]),
        *((chance.choice(steps), chance.choice(steps)) for _ in range(12)),
        (steps[-1], "__end__"),
    ]
    nodes = [
        Node("__start__", "start", kind="start"),
        *(Node(step, step) for step in steps),
        Node("__end__", "end", kind="end"),
    ]
    drawing = Drawing(
        "random", nodes, [Edge(a, b, chance.choice(["", "goes on"]), True) for a, b in dict.fromkeys(ends)]
    )
    assert crossings(drawing) == []
    assert len(svg_edges(to_svg(drawing))) == len(drawing.edges)
    places = [(box.x, box.y) for box in lay_out(drawing).boxes.values()]
    assert len(set(places)) == len(nodes)


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_lies_within_the_picture(name: str) -> None:
    text = to_svg(draw_graph(open_graph(name)))
    left, top, width, height = map(float, ElementTree.fromstring(text).get("viewBox", "").split())
    layout = lay_out(draw_graph(open_graph(name)))
    every = [point for route in layout.routes for point in (*route.points, route.label_at)]
    assert all(left < x < left + width and top < y < top + height for x, y in every)


def test_the_command_prints_mermaid_and_json() -> None:
    done = CliRunner().invoke(app, ["conversation"])
    assert (done.exit_code, done.stdout) == (0, draw_mermaid(open_graph("conversation")))
    told = json.loads(CliRunner().invoke(app, ["assessment", "--json"]).stdout)
    assert {(edge["source"], edge["target"], edge["label"]) for edge in told["edges"]} == real_edges("assessment")
    assert told["mermaid"] == draw_mermaid(open_graph("assessment"))


@pytest.mark.parametrize("ending", ["svg", "mmd", "md"])
def test_the_command_writes_a_file_by_its_ending(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"picture.{ending}"
    done = CliRunner().invoke(app, ["conversation-prompted", "-o", str(file)])
    made, text = open_graph("conversation-prompted"), file.read_text("utf-8")
    assert (done.exit_code, done.stdout, str(file) in done.stderr) == (0, "", True)
    assert (
        text
        == {
            "svg": to_svg(draw_graph(made)),
            "mmd": draw_mermaid(made),
            "md": f"```mermaid\n{draw_mermaid(made)}```\n",
        }[ending]
    )


def test_a_wrong_name_lists_all_and_the_nearest() -> None:
    error = CliRunner().invoke(app, ["conversaton"]).exception
    assert isinstance(error, CocoonError)
    assert str(error).startswith("graph 'conversaton' is not known")
    assert [name for name in GRAPHS if name not in str(error)] == []
    assert str(error).endswith("did you mean 'conversation'?")


@pytest.mark.parametrize("place", ["picture.png", "missing/picture.svg"])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    error = CliRunner().invoke(app, ["assessment", "-o", str(tmp_path / place)]).exception
    assert isinstance(error, CocoonError) and place in str(error)
    assert list(tmp_path.iterdir()) == []
