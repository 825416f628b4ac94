"""OpenTelemetry spans of a run, as a receiver on this machine gets and decodes them, and as a file."""

import gzip
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cocoon.exports.otel.records import SCHEMA_URL
from cocoon.exports.otel.spans import served_by
from cocoon.models.journal.store import Journal
from cocoon.tests.commands import cocoon
from cocoon.tests.exports.export_runs import dialogue, lines, simulated, with_gaps, written

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs OpenTelemetry (extra 'otel')")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("otel") / "run", profiles=2, samples=1)


@contextmanager
def receiver(status: int = 200) -> Iterator[tuple[str, dict[str, list[bytes]]]]:
    """An OTLP/HTTP receiver: its address, and the bodies by path as they come."""
    got: dict[str, list[bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/x-protobuf"
            got.setdefault(self.path, []).append(
                gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            )
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}", got
        finally:
            listening.shutdown()
            thread.join()


def sent(run: Path, *more: str) -> tuple[dict[str, list[bytes]], list[dict[str, Any]], list[dict[str, Any]], str]:
    """What a receiver got: the bodies, the spans, the events; and what the command said."""
    with receiver() as (url, got):
        done = cocoon("export", str(run), "--to", "otel", "--endpoint", url, *more)
        assert done.code == 0, done.err
    return got, *decoded(got), done.err


def decoded(got: dict[str, list[bytes]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans, events = [], []
    for body in got["/v1/traces"]:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            told = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert told["service.name"] == "cocoon" and resource.schema_url == SCHEMA_URL
            for scope in resource.scope_spans:
                assert scope.schema_url == SCHEMA_URL and scope.scope.name == "cocoon"
                spans += [_span(one) for one in scope.spans]
    for body in got.get("/v1/logs", []):
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope in resource.scope_logs:
                events += [_event(one) for one in scope.log_records]
    return spans, events


def _span(one: Any) -> dict[str, Any]:
    ids = {"traceId": one.trace_id.hex(), "spanId": one.span_id.hex(), "parentSpanId": one.parent_span_id.hex()}
    times = {"start": one.start_time_unix_nano, "end": one.end_time_unix_nano}
    return {**ids, **times, "name": one.name, "kind": one.kind, "failed": one.status.code == 2, **_told(one)}


def _event(one: Any) -> dict[str, Any]:
    ids = {"traceId": one.trace_id.hex(), "spanId": one.span_id.hex()}
    return {**ids, "name": one.event_name, "time": one.time_unix_nano, **_told(one)}


def _told(one: Any) -> dict[str, Any]:
    return {"told": {pair.key: _plain(pair.value) for pair in one.attributes}}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_plain(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def test_a_dialogue_is_a_tree_of_agents_and_chats(run: Path) -> None:
    _, spans, events, said = sent(run)
    assert "spans without text go to: 127.0.0.1:" in said
    dialogues = {one["id"]: one for one in lines(run, "dialogues.jsonl")}
    roots = {one["told"]["gen_ai.conversation.id"]: one for one in spans if not one["parentSpanId"]}
    assert set(roots) == set(dialogues)
    journal = Journal(run / "journal.sqlite")
    try:
        for name, root in roots.items():
            own = [one for one in spans if one["traceId"] == root["traceId"]]
            assert root["name"] == "invoke_agent conversation"
            assert root["told"]["cocoon.turns"] == len(dialogues[name]["turns"])
            assert root["told"]["cocoon.stop_reason"] == dialogues[name]["stop_reason"]
            turns = [one for one in own if "cocoon.turn_index" in one["told"]]
            assert [one["told"]["gen_ai.agent.name"] for one in turns] == [t["role"] for t in dialogues[name]["turns"]]
            assert {one["parentSpanId"] for one in turns} == {root["spanId"]}
            kept = {place.key: entry for place, entry in journal.load(name).items()}
            chats = {one["told"]["cocoon.call"]: one for one in own if one["told"]["gen_ai.operation.name"] == "chat"}
            assert set(chats) == set(kept)
            by_id = {one["spanId"]: one for one in own}
            assert len(by_id) == len(own)
            for key, chat in chats.items():
                told, entry = chat["told"], kept[key]
                assert (chat["name"], chat["kind"]) == ("chat bench", 3)
                assert told["gen_ai.usage.input_tokens"] == entry.tokens_in
                assert told["gen_ai.usage.output_tokens"] == entry.tokens_out
                assert (told["gen_ai.provider.name"], told["server.address"]) == ("openai", "127.0.0.1")
                assert (chat["end"] - chat["start"]) / 1e9 == pytest.approx(entry.latency, abs=1e-5)
                agent = by_id[chat["parentSpanId"]]
                assert agent["told"]["gen_ai.operation.name"] == "invoke_agent"
                assert agent["start"] <= chat["start"] and chat["end"] <= agent["end"]
                assert root["start"] <= agent["start"] and agent["end"] <= root["end"]
    finally:
        journal.close()
    assert {one["spanId"] for one in events} == {root["spanId"] for root in roots.values()}


def test_ratings_are_evaluation_results(run: Path) -> None:
    _, _, events, _ = sent(run)
    assert {one["name"] for one in events} == {"gen_ai.evaluation.result"}
    got = {
        (one["told"]["gen_ai.conversation.id"], one["told"]["gen_ai.evaluation.name"]): one["told"] for one in events
    }
    wanted = 0
    for rating in lines(run, "ratings.jsonl"):
        values = {f"{rating['scale']}.{name}": value for name, value in rating["dimensions"].items()}
        if rating["verdict"]:
            success = rating["verdict"]["success"]
            values = {rating["scale"]: None if success is None else float(success)}
        for name, value in values.items():
            assert got[rating["dialogue"], name].get("gen_ai.evaluation.score.value") == value
            wanted += 1
    assert wanted == len(events) == len(got)


def test_no_text_leaves_unless_it_is_asked_for(run: Path) -> None:
    texts = {turn["content"] for one in lines(run, "dialogues.jsonl") for turn in one["turns"]}
    for one in lines(run, "dialogues.jsonl"):
        profile = one["profile"]
        texts |= {
            profile["feeling"],
            profile["need"],
            profile["scenario"],
            *(memory["text"] for memory in profile["memory"]),
        }
    texts |= {one["verdict"]["quote"] for one in lines(run, "ratings.jsonl") if one["verdict"]} - {None}
    quiet = b"".join(body for bodies in sent(run)[0].values() for body in bodies).decode("utf-8", "replace")
    # Whole and in pieces: no run of 20 characters of any of them.
    assert not [
        text for text in texts if any(text[at : at + 20] in quiet for at in range(0, max(len(text) - 20, 1), 7))
    ]
    _, spans, _, said = sent(run, "--content")
    assert "spans with text go to" in said
    chat = next(one["told"] for one in spans if one["told"].get("cocoon.call") == "supporter/1/0/0")
    spoken = lines(run, "dialogues.jsonl")[0]["turns"]
    answer = json.loads(chat["gen_ai.output.messages"])
    assert (
        answer[0]["parts"] == [{"type": "text", "content": spoken[2]["content"]}] and answer[0]["role"] == "assistant"
    )
    asked = json.loads(chat["gen_ai.input.messages"])
    assert asked[0]["role"] == "system" and spoken[1]["content"] in asked[-1]["parts"][0]["content"]


def test_ids_and_all_else_are_the_same_again_and_in_the_file(run: Path, tmp_path: Path) -> None:
    _, spans, events, _ = sent(run)
    _, again, events_again, _ = sent(run)
    assert spans == again and events == events_again
    out = tmp_path / "run.otlp.jsonl"
    done = cocoon("export", str(run), "--to", "otel", "-o", str(out))
    assert done.code == 0 and done.out.split() == [str(out)]
    requests = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    found = [
        one
        for request in requests
        for resource in request.get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for one in scope["spans"]
    ]
    assert [(one["traceId"], one["spanId"], one.get("parentSpanId", "")) for one in found] == [
        (one["traceId"], one["spanId"], one["parentSpanId"]) for one in spans
    ]
    assert [{pair["key"]: _from_json(pair["value"]) for pair in one["attributes"]} for one in found] == [
        one["told"] for one in spans
    ]
    assert [int(one["startTimeUnixNano"]) for one in found] == [one["start"] for one in spans]
    assert all(len(one["traceId"]) == 32 and len(one["spanId"]) == 16 for one in found)
    logged = [one for request in requests for resource in request.get("resourceLogs", []) for one in _records(resource)]
    assert [(one["spanId"], int(one["timeUnixNano"])) for one in logged] == [(e["spanId"], e["time"]) for e in events]
    refused = cocoon("export", str(run), "--to", "otel", "-o", str(out))
    assert refused.code == 2 and "already exists" in refused.err


def _records(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for scope in resource["scopeLogs"] for one in scope["logRecords"]]


def _from_json(value: dict[str, Any]) -> Any:
    ((kind, inner),) = value.items()
    if kind == "arrayValue":
        return [_from_json(one) for one in inner["values"]]
    return int(inner) if kind == "intValue" else inner


def test_no_call_is_lost_without_ratings_and_trace(run: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    (bare / "ratings.jsonl").write_bytes(b"")
    (bare / "trace.jsonl").unlink()
    _, whole, _, _ = sent(run)
    _, spans, events, _ = sent(bare)
    assert not events
    by_call = {one["told"]["cocoon.call"]: one for one in spans if "cocoon.call" in one["told"]}
    assert set(by_call) == {one["told"]["cocoon.call"] for one in whole if "cocoon.call" in one["told"]}
    agents = {one["spanId"]: one["told"] for one in spans if "gen_ai.agent.name" in one["told"]}
    for key, chat in by_call.items():
        agent = agents[chat["parentSpanId"]]
        assert (agent["gen_ai.agent.name"] == "other") is key.startswith("judge")
    assert [one["name"] for one in spans].count("invoke_agent other") == 2, "one for each dialogue"


def test_missing_has_a_label_and_no_value_and_failures_are_errors(tmp_path: Path) -> None:
    _, spans, events, _ = sent(with_gaps(tmp_path / "run"))
    told = [one["told"] for one in events]
    labels = [(one["gen_ai.evaluation.name"], one["gen_ai.evaluation.score.label"]) for one in told]
    assert labels.count(("success_attributed", "missing")) == 1
    assert labels.count(("success_attributed", "not applicable")) == 1
    assert ("comfort.affective_improvement", "missing") in labels
    for one in told:
        known = one["gen_ai.evaluation.score.label"] in ("success", "no success", "scored")
        assert ("gen_ai.evaluation.score.value" in one) is known
    failed = [one for one in spans if one["failed"]]
    assert [one["told"]["error.type"] for one in failed] == ["timeout"]
    assert "no answer" not in str(failed)


def test_a_file_of_dialogues_has_ids_of_its_content(tmp_path: Path) -> None:
    for name in ("x", "y"):
        written(tmp_path / name, [dialogue("a"), dialogue("b", profile="other")])
    once, twice = (sent(tmp_path / name / "dialogues.jsonl")[1] for name in ("x", "y"))
    assert [one["spanId"] for one in once] == [one["spanId"] for one in twice]
    assert len({one["traceId"] for one in once}) == 2
    assert len({one["spanId"] for one in once}) == len(once)


def test_what_cannot_be_sent_is_said_in_one_line(run: Path, tmp_path: Path) -> None:
    with receiver(415) as (url, _):
        done = cocoon("export", str(run), "--to", "otel", "--endpoint", url)
    assert done.code == 2 and "did not accept the spans" in done.err and "Traceback" not in done.err
    for wrong in ("ftp://x", "127.0.0.1:4318"):
        done = cocoon("export", str(run), "--to", "otel", "--endpoint", wrong)
        assert done.code == 2 and "give an address such as" in done.err
    for arguments in ((), ("-o", "x", "--endpoint", "http://127.0.0.1:1")):
        done = cocoon("export", str(run), "--to", "otel", *arguments)
        assert done.code == 2 and "--endpoint URL" in done.err
    done = cocoon("export", str(run), "--to", "inspect", "-o", str(tmp_path / "x.eval"), "--content")
    assert done.code == 2 and "has no use with --to" in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("label", "provider", "model"),
    [
        ("openai:gpt-4o", "openai", "gpt-4o"),
        ("http://127.0.0.1:8000/v1#qwen", "openai", "qwen"),
        ("local:smollm2+steer=d.safetensors:0.8", "cocoon.local", "smollm2+steer=d.safetensors:0.8"),
        ("scripted:x", "cocoon.scripted", "x"),
    ],
)
def test_providers(label: str, provider: str, model: str) -> None:
    told = served_by(label)
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == (provider, model)
    assert ("server.address" in told) is label.startswith("http")
