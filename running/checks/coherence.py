"""Have a judge read single replies, with a journal of its own, so that no reply is read twice for money."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cocoon.agents.judges.coherence import CoherenceJudge
from cocoon.agents.protocols import SpokenTurn, transcript
from cocoon.agents.writers.asking import Asker
from cocoon.core.answers import Missing
from cocoon.core.errors import CallFailedError
from cocoon.core.records import Language
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.models.client import JournaledClient
from cocoon.models.journal.store import Journal, Place, text_sha
from cocoon.models.settings import Settings
from cocoon.running.local_parts import local_parts
from cocoon.steering.calibration.behaviour import SampledReply
from cocoon.steering.calibration.calibrate import ReplyReader
from cocoon.steering.pairs.situations import Situation

_SETTINGS = Settings(temperature=0.0, max_tokens=80)
_NODE = "coherence"


@dataclass(frozen=True)
class ReplyInTalk:
    """A reply with what was said before it."""

    language: Language
    turns: Sequence[SpokenTurn]
    reply: str

    @property
    def key(self) -> str:
        """What the reply is called in the journal. Equal replies in equal talks are one."""
        return text_sha(f"{transcript(self.turns, self.language)}\n{self.reply}")


@dataclass(frozen=True)
class CoherenceReader:
    """A judge by its spec, the file in which its calls are journalled, and a folder of your own prompts."""

    spec: str
    journal: Path
    prompts: Path | None = None

    def read_now(self, replies: Sequence[ReplyInTalk]) -> list[bool | None]:
        """Return what `read` returns, from ordinary code, whether or not an event loop is running there."""
        with ThreadPoolExecutor(1) as beside:
            return beside.submit(asyncio.run, self.read(replies)).result()

    async def read(self, replies: Sequence[ReplyInTalk]) -> list[bool | None]:
        """Return for each reply whether it is coherent, None where the judge's answer is missing.

        Raises CocoonError where the judge cannot be opened.
        """
        models = Models(parts=local_parts())
        judge = CoherenceJudge(Asker(models.open(self.spec), _SETTINGS, self.prompts))
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        journal = Journal(self.journal)
        caller = Caller(journal, models=models)
        different = {reply.key: reply for reply in replies}
        try:
            answers = await asyncio.gather(*(_read(judge, caller, reply) for reply in different.values()))
        finally:
            caller.abandon()
            await models.aclose()
            journal.close()
        verdicts = dict(zip(different, answers, strict=True))
        return [verdicts[reply.key] for reply in replies]


async def _read(judge: CoherenceJudge, caller: Caller, reply: ReplyInTalk) -> bool | None:
    caller.admit(reply.key)
    client = JournaledClient(caller, Place(reply.key, _NODE, 0), judging=True)
    try:
        answer = await judge.read(client, reply.turns, reply.reply, reply.language)
    except CallFailedError:
        return None
    finally:
        caller.dismiss(reply.key)
    return None if isinstance(answer, Missing) else answer.coherent


def situation_reader(reader: CoherenceReader | None) -> ReplyReader | None:
    """Return what has a judge read the replies of a calibration, or None without a judge."""
    if reader is None:
        return None

    def read(pairs: Sequence[tuple[Situation, SampledReply]]) -> list[bool | None]:
        return reader.read_now(
            [
                ReplyInTalk(
                    situation.language, [SpokenTurn(turn.role, turn.content) for turn in situation.talk], reply.text
                )
                for situation, reply in pairs
            ]
        )

    return read
