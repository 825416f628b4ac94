"""Served rows that a server steers: what a spec asks for, and a server that does not steer."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from cocoon.core.errors import CocoonError
from cocoon.models.by_name import Models, check_spec
from cocoon.tests.commands import refused, said, server

UNKNOWN = "cocoon steering: direction 'none' is not among the 1 of this server"


def steering(requests: list[dict[str, Any]]) -> Any:
    """A server with the plug-in, which keeps what it was asked."""

    def answer(request: dict[str, Any]) -> tuple[int, Any]:
        requests.append(request)
        return refused(UNKNOWN) if request["vllm_xargs"]["cocoon_direction"] == "none" else said("I hear you.")

    return answer


async def test_every_request_has_the_direction_by_its_content_and_the_coefficient(tmp_path: Path) -> None:
    file = tmp_path / "d.safetensors"
    file.write_bytes(b"direction")
    sha = hashlib.sha256(b"direction").hexdigest()
    requests: list[dict[str, Any]] = []
    with server(steering(requests)) as spec:
        row = f"{spec.partition('#')[0]}#row"
        models = Models()
        model = models.open(f"{row}+steer={file}:0.03+at=starts")
        for extra in ({}, {"vllm_xargs": {"other": 1}, "top_k": 4}):
            reply = await model.chat.ainvoke([("user", "Hello.")], extra_body=extra)
            assert reply.content == "I hear you."
        await models.aclose()
    arguments = {"cocoon_direction": sha, "cocoon_coefficient": 0.03, "cocoon_at": "starts"}
    assert [request["vllm_xargs"]["cocoon_direction"] for request in requests] == ["none", sha, sha], "asked once"
    assert [request["model"] for request in requests] == ["row"] * 3
    assert requests[1]["vllm_xargs"] == arguments
    assert requests[2]["vllm_xargs"] == {"other": 1, **arguments} and requests[2]["top_k"] == 4
    assert model.facts == {"steer": {"direction": sha, "coefficient": 0.03, "at": "starts"}}


async def test_a_server_that_would_answer_unsteered_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "d.safetensors"
    file.write_bytes(b"direction")
    with server(lambda _: said("I hear you.")) as spec:
        models = Models()
        model = models.open(f"{spec}+steer={file}:0.03")
        with pytest.raises(CocoonError, match=r"does not steer.*serve-plan"):
            await model.chat.ainvoke([("user", "Hello.")])
        await models.aclose()


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ("+steer=d.safetensors", "finite number"),
        ("+steer=d.safetensors:0.03+adapter=a", r"unknown part '\+adapter='"),
        ("+steer=d.safetensors:0.03+coef=1", "unknown part"),
        ("+steer=d.safetensors:0.03+steer=e:1", "twice"),
    ],
)
def test_a_spec_that_cannot_be_read_is_refused_before_anything_is_asked(parts: str, problem: str) -> None:
    with pytest.raises(CocoonError, match=problem):
        check_spec(f"http://127.0.0.1:1/v1#row{parts}")


def test_a_name_with_a_plus_is_a_name_and_a_missing_direction_is_missed() -> None:
    models = Models()
    assert models.open("http://127.0.0.1:1/v1#a+b").facts == {}
    with pytest.raises(CocoonError, match=r"'d\.safetensors' does not exist here"):
        models.open("http://127.0.0.1:1/v1#row+steer=d.safetensors:0.03")
