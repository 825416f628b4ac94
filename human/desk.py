"""What a rater sees and does, without the web: the next item, the answers that are lacking, the chats under way."""

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.agents.protocols import SimulatedUser
from cocoon.agents.users.conditions import Condition
from cocoon.core.records import Dialogue, Language
from cocoon.core.text import language_by_script
from cocoon.evaluation.safety.risk import risk_said
from cocoon.evaluation.scales.scoring import Scale, prompt_inputs
from cocoon.graphs.live_chat import LiveChat
from cocoon.human.answers import InvalidAnswerError, check_answer, check_mark, keys_of
from cocoon.human.items import ChatItem, Item, LikertItem, Material, PairItem, Shown
from cocoon.human.store import DONE, SKIPPED, HumanStore, Talk, private_database
from cocoon.models.by_name import Models
from cocoon.models.calls import Caller
from cocoon.models.journal.store import Journal

OpenUser = Callable[[Condition], SimulatedUser]
LONGEST = 4_000


@dataclass
class Desk:
    """One study while it runs. `open_user` returns a condition's simulated user. Each rater's chats have a folder.

    `models` opens the models that a user of somebody's own asks for by name.
    """

    material: Material
    store: HumanStore
    folder: Path
    open_user: OpenUser | None = None
    models: Models | None = None
    _live: dict[tuple[str, str], LiveChat] = field(default_factory=dict)
    _journals: dict[str, Journal] = field(default_factory=dict)

    def state(self, rater: str, language: Language, page_id: str | None = None) -> dict[str, Any]:
        """Return what the page shows next, or the item that it asked for again (by its page id)."""
        study = self.material.study
        texts = {
            name: getattr(study, name).model_dump() for name in ("title", "consent", "content_warning", "help_line")
        }
        texts["crisis_lines"] = (study.crisis_lines or study.help_line).model_dump()
        flagged = self.speaks_of_risk(rater)
        head = {"texts": texts, "language": language, "review_board": study.review_board, "flagged": flagged}
        if self.store.withdrawn(rater):
            return {**head, "phase": "withdrawn"}
        if self.store.consent_of(rater) != study.consent_sha:
            return {**head, "phase": "consent", "sha": study.consent_sha}
        mine, finished = self.material.assigned(rater), self.store.finished(rater)
        skipped = sum(SKIPPED in self.store.answers_of(rater, name) for name in finished)
        progress = {"done": len(finished) - skipped, "skipped": skipped, "of": len(mine)}
        again = [position for position, assignment in enumerate(mine) if self.code(rater, assignment.item) == page_id]
        open_ones = [position for position, assignment in enumerate(mine) if assignment.item not in finished]
        position = next(iter(again or open_ones), len(mine))
        before = self.code(rater, mine[position - 1].item) if position else None
        head |= {"progress": progress, "before": before}
        if position == len(mine):
            return {**head, "phase": "end"}
        return {**head, "phase": "item", "item": self._page(rater, mine[position], language)}

    def speaks_of_risk(self, rater: str) -> bool:
        """Return whether a rater's own words in a chat speak of danger.

        The page then shows the study's lines. Nothing is ended, refused, kept or sent because of it.
        """
        return any(risk_said(words, language_by_script(words)) for words in self.store.words_of(rater))

    def code(self, rater: str, item: str) -> str:
        """Return the item's id on this rater's page.

        It is a hash, because the names of items contain the names of conditions.
        """
        return hashlib.sha256(f"{self.store.secret} {rater} {item}".encode()).hexdigest()[:16]

    def named(self, rater: str, code: object) -> str:
        """Return the item behind an id of this rater's page. Raises RefusedError where there is none."""
        for assignment in self.material.assigned(rater):
            if self.code(rater, assignment.item) == code:
                return assignment.item
        raise InvalidAnswerError("this is no item of yours")

    def _page(self, rater: str, assignment: Shown, language: Language) -> dict[str, Any]:
        item = self.material.items[assignment.item]
        answers = self.store.answers_of(rater, assignment.item)
        page = {"id": self.code(rater, item.id), "kind": item.kind, "answers": answers}
        if isinstance(item, LikertItem):
            scales = [_scale_page(scale, language) for scale in self.material.scales]
            return {**page, "dialogues": [_turns(item.dialogue)], "scales": scales}
        if isinstance(item, PairItem):
            turn_lists = [_turns(dialogue) for dialogue in item.dialogues]
            return {
                **page,
                "dialogues": turn_lists[::-1] if assignment.swapped else turn_lists,
                **self._questions_page(language),
            }
        turns_said = [len(self.store.said(rater, name)) for name in chat_names(item)]
        rounds = self.material.study.chats.rounds if self.material.study.chats else 0
        topic = {"emotion": item.profile.emotion, "feeling": item.profile.feeling}
        return {**page, "said": turns_said, "rounds": rounds, "topic": topic, **self._questions_page(language)}

    def _questions_page(self, language: Language) -> dict[str, Any]:
        questions = [
            {"id": question.id, "text": question.of(language)} for question in self.material.questions.questions
        ]
        return {"instruction": self.material.questions.instruction.of(language), "questions": questions}

    def consent(self, rater: str, sha: object) -> None:
        """Note the consent to the text that was shown."""
        if sha != self.material.study.consent_sha:
            raise InvalidAnswerError("the text has changed since it was shown; read it again")
        if not self.store.withdrawn(rater):
            self.store.keep_text(self.material.study.consent_sha, self.material.study.consent_text)
            self.store.consent(rater, self.material.study.consent_sha)

    def answer(self, rater: str, item: object, key: object, value: object) -> None:
        """Keep one answer of a rater to an item of theirs. Raises RefusedError for anything else."""
        assignment, own_item = self._assignment(rater, item)
        if key in (DONE, SKIPPED):
            check_mark(str(key), value)
            if key == DONE and (unanswered := self._unanswered(rater, assignment, own_item)):
                raise InvalidAnswerError(f"not answered yet: {', '.join(unanswered)}")
            self.store.answer(rater, assignment.item, str(key), True, assignment.swapped)
            return
        check_answer(self.material, own_item, key, value)
        self.store.answer(rater, assignment.item, str(key), value, assignment.swapped)

    def _assignment(self, rater: str, item: object) -> tuple[Shown, Item]:
        if self.store.consent_of(rater) != self.material.study.consent_sha:
            raise InvalidAnswerError("nothing is taken before consent")
        assignment = next((known for known in self.material.assigned(rater) if known.item == item), None)
        if assignment is None:
            raise InvalidAnswerError("this is no item of yours")
        return assignment, self.material.items[assignment.item]

    def _unanswered(self, rater: str, assignment: Shown, item: Item) -> list[str]:
        answered = self.store.answers_of(rater, assignment.item)
        return [key for key in keys_of(self.material, item) if key not in answered]

    async def chat(
        self, rater: str, item: object, which: object, text: object = None, turn: object = None
    ) -> dict[str, Any]:
        """Say something in the first (0) or second (1) chat of an item, or nothing to see where it stands.

        `turn` is how much the page knows to have been said before: words sent again after an error are said once.
        """
        assignment, own_item = self._assignment(rater, item)
        if not isinstance(own_item, ChatItem) or isinstance(which, bool) or which not in (0, 1):
            raise InvalidAnswerError("this item has no such chat")
        live = await self._chat(rater, assignment, own_item, 1 if which else 0)
        turns_said = len(self.store.said(rater, live.dialogue))
        if isinstance(text, str) and text.strip() and not live.over and turn in (None, turns_said):
            words = _words(text)
            self.store.say(rater, live.dialogue, turns_said, words)
            await live.say(words)
        if live.failed is not None:
            self._live.pop((rater, live.dialogue), None)
            await live.close()
            raise InvalidAnswerError("the simulated user gave no answer; say nothing new and try again in a moment")
        return self._chat_page(rater, live, _condition(assignment, own_item, 1 if which else 0), own_item.pair)

    def _chat_page(self, rater: str, live: LiveChat, condition: Condition, pair: int) -> dict[str, Any]:
        """Return the chat so far, kept for the study's owner and shown to the rater."""
        if self.store.withdrawn(rater):
            raise InvalidAnswerError("you have withdrawn")
        # A draw a pair, so that the chats of one topic meet those that they were compared with.
        named = {"id": f"{rater}.{live.dialogue}", "supporter": rater, "sample": pair}
        record = live.record().model_copy(update=named)
        self.store.keep_talk(Talk(rater, live.dialogue, condition.name, record.model_dump_json()))
        return {"turns": _turns(record), "over": live.over, "flagged": self.speaks_of_risk(rater)}

    async def _chat(self, rater: str, assignment: Shown, item: ChatItem, which: int) -> LiveChat:
        name = chat_names(item)[which]
        if (rater, name) not in self._live:
            if self.open_user is None or self.material.study.chats is None:
                raise InvalidAnswerError("this study has no live chats")
            condition = _condition(assignment, item, which)
            # A seed a rater: else all raters would draw the same replies of the user.
            seed = random.Random(f"{self.material.study.seed} {rater}").getrandbits(31)
            live = LiveChat(
                name,
                condition.profile(item.profile),
                self.open_user(condition),
                Caller(self._journal(rater), seed=seed, models=self.models),
                self.material.study.chats.rounds,
            )
            # Known before it begins, so that a withdrawal meanwhile finds it.
            self._live[rater, name] = live
            await live.start(self.store.said(rater, name))
        return self._live.get((rater, name)) or _gone()

    def _journal(self, rater: str) -> Journal:
        if rater not in self._journals:
            self._journals[rater] = Journal(private_database(self.folder / "chats" / rater / "journal.sqlite"))
        return self._journals[rater]

    async def withdraw(self, rater: str) -> None:
        """Delete the rater's answers and all of their chats with the journalled calls. Nothing is taken afterwards."""
        self.store.withdraw(rater)
        for key in [key for key in self._live if key[0] == rater]:
            await self._live.pop(key).close()
        if rater in self._journals:
            self._journals.pop(rater).close()
        self._forget(rater)

    def sweep(self) -> None:
        """Delete what a withdrawal that was cut off left behind."""
        for rater in self.material.study.names:
            if self.store.withdrawn(rater):
                self._forget(rater)

    def _forget(self, rater: str) -> None:
        folder = self.folder / "chats" / rater
        if folder.exists():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()

    async def close(self) -> None:
        """Leave every chat where it is. Everything that was said is kept."""
        for live in self._live.values():
            await live.close()
        for journal in self._journals.values():
            journal.close()
        self.store.close()


def _gone() -> LiveChat:
    raise InvalidAnswerError("you have withdrawn")


def _condition(assignment: Shown, item: ChatItem, which: int) -> Condition:
    return item.conditions[which ^ int(assignment.swapped)]


def _words(text: str) -> str:
    """Return what a rater said. Raises RefusedError for what cannot be kept whole."""
    words = text.strip().encode("utf-8", "replace").decode()
    if len(words) > LONGEST:
        raise InvalidAnswerError(f"your words are longer than {LONGEST:,} characters; say it in fewer")
    return words


def chat_names(item: ChatItem) -> tuple[str, str]:
    """Return the dialogue ids of an item's two chats, in the order in which they are held."""
    return f"{item.id}.0", f"{item.id}.1"


def _turns(dialogue: Dialogue) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in dialogue.turns]


def _scale_page(scale: Scale, language: Language) -> Mapping[str, Any]:
    spoken = language if language in scale.languages else scale.languages[0]
    inputs = prompt_inputs(scale, spoken)
    return {"id": scale.id, **{key: inputs[key] for key in ("instruction", "items", "anchors", "low", "high")}}
