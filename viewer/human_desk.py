"""What a rater sees and does, without the web: the next item, the answers that are lacking, the chats under way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocoon.agents.guarded_user import GuardedUser
from cocoon.agents.prompted_user import PromptedUser
from cocoon.core.calls import Caller
from cocoon.core.errors import CocoonError
from cocoon.core.journal import Journal
from cocoon.core.records import Dialogue, Language
from cocoon.evaluation.comparison_questions import ComparisonQuestions, load_questions
from cocoon.evaluation.preference import TIE
from cocoon.evaluation.scales import Scale, prompt_inputs
from cocoon.graphs.conditions import Condition
from cocoon.graphs.live_chat import LiveChat
from cocoon.viewer.human_items import ChatItem, Item, LikertItem, Material, PairItem, Shown
from cocoon.viewer.human_store import DONE, SKIPPED, HumanStore

OpenUser = Callable[[Condition], PromptedUser | GuardedUser]
PREFERENCES = ("first", "second", TIE)
LONGEST = 4_000


class RefusedError(CocoonError):
    """Something a page sent that cannot be: no item of this rater, or no answer to it."""


@dataclass
class Desk:
    """One study under way. `open_user` makes the simulated user of a condition; `chats` lie in a folder a rater."""

    material: Material
    store: HumanStore
    folder: Path
    open_user: OpenUser | None = None
    questions: ComparisonQuestions = field(default_factory=load_questions)
    _live: dict[tuple[str, str], LiveChat] = field(default_factory=dict)
    _journals: dict[str, Journal] = field(default_factory=dict)

    def state(self, rater: str, language: Language) -> dict[str, Any]:
        """What the page shows next."""
        study = self.material.study
        texts = {
            name: getattr(study, name).model_dump() for name in ("title", "consent", "content_warning", "help_line")
        }
        head = {"texts": texts, "language": language, "review_board": study.review_board}
        if self.store.withdrawn(rater):
            return {**head, "phase": "withdrawn"}
        if self.store.consent_of(rater) != study.consent_sha:
            return {**head, "phase": "consent", "sha": study.consent_sha}
        mine, finished = self.material.assigned(rater), self.store.finished(rater)
        progress = {"done": sum(shown.item in finished for shown in mine), "of": len(mine)}
        following = next((shown for shown in mine if shown.item not in finished), None)
        if following is None:
            return {**head, "phase": "end", "progress": progress}
        return {**head, "phase": "item", "progress": progress, "item": self._page(rater, following, language)}

    def _page(self, rater: str, shown: Shown, language: Language) -> dict[str, Any]:
        item = self.material.items[shown.item]
        answers = self.store.answers_of(rater, shown.item)
        page = {"id": item.id, "kind": item.kind, "answers": answers}
        if isinstance(item, LikertItem):
            scales = [_scale_page(scale, language) for scale in self.material.scales]
            return {**page, "dialogues": [_turns(item.dialogue)], "scales": scales}
        if isinstance(item, PairItem):
            both = [_turns(one) for one in item.dialogues]
            return {**page, "dialogues": both[::-1] if shown.swapped else both, **self._asked(language)}
        said = [len(self.store.said(rater, name)) for name in chat_names(item)]
        rounds = self.material.study.chats.rounds if self.material.study.chats else 0
        topic = {"emotion": item.profile.emotion, "feeling": item.profile.feeling}
        return {**page, "said": said, "rounds": rounds, "topic": topic, **self._asked(language)}

    def _asked(self, language: Language) -> dict[str, Any]:
        questions = [{"id": one.id, "text": one.of(language)} for one in self.questions.questions]
        return {"instruction": self.questions.instruction.of(language), "questions": questions}

    def consent(self, rater: str, sha: object) -> None:
        """Note the consent to the text that was shown."""
        if sha != self.material.study.consent_sha:
            raise RefusedError("the text has changed since it was shown; read it again")
        if not self.store.withdrawn(rater):
            self.store.consent(rater, self.material.study.consent_sha)

    def answer(self, rater: str, item: object, key: object, value: object) -> None:
        """Keep one answer of a rater to an item of theirs; RefusedError for anything else."""
        shown, found = self._mine(rater, item)
        if key in (DONE, SKIPPED):
            if key == DONE and (lacking := self._lacking(rater, shown, found)):
                raise RefusedError(f"not answered yet: {', '.join(lacking)}")
            self.store.answer(rater, shown.item, str(key), True, shown.swapped)
            return
        if str(key) not in self._keys(found) or value not in self._values(found, str(key)):
            raise RefusedError(f"{str(value)[:40]!r} is no answer to {str(key)[:40]!r}")
        self.store.answer(rater, shown.item, str(key), value, shown.swapped)

    def _mine(self, rater: str, item: object) -> tuple[Shown, Item]:
        if self.store.consent_of(rater) != self.material.study.consent_sha:
            raise RefusedError("nothing is taken before consent")
        shown = next((one for one in self.material.assigned(rater) if one.item == item), None)
        if shown is None:
            raise RefusedError("this is no item of yours")
        return shown, self.material.items[shown.item]

    def _keys(self, item: Item) -> list[str]:
        if isinstance(item, LikertItem):
            return [f"{scale.id}:{name}" for scale in self.material.scales for name in scale.item_ids]
        return [question.id for question in self.questions.questions]

    def _values(self, item: Item, key: str) -> Sequence[object]:
        if not isinstance(item, LikertItem):
            return PREFERENCES
        scale = next(one for one in self.material.scales if one.id == key.partition(":")[0])
        return [None, *range(scale.range[0], scale.range[1] + 1)]

    def _lacking(self, rater: str, shown: Shown, item: Item) -> list[str]:
        answered = self.store.answers_of(rater, shown.item)
        return [key for key in self._keys(item) if key not in answered]

    async def chat(
        self, rater: str, item: object, which: object, text: object = None, turn: object = None
    ) -> dict[str, Any]:
        """Say something in the first (0) or second (1) chat of an item, or nothing to see where it stands.

        `turn` is how much the page knows to have been said before: words sent again after an error are said once.
        """
        shown, found = self._mine(rater, item)
        if not isinstance(found, ChatItem) or which not in (0, 1):
            raise RefusedError("this item has no such chat")
        live = await self._chat(rater, shown, found, int(str(which)))
        said = len(self.store.said(rater, live.dialogue))
        if isinstance(text, str) and text.strip() and not live.over and turn in (None, said):
            self.store.say(rater, live.dialogue, said, text.strip()[:LONGEST])
            await live.say(text.strip()[:LONGEST])
        if live.failed is not None:
            self._live.pop((rater, live.dialogue), None)
            await live.close()
            raise RefusedError("the simulated user gave no answer; say nothing new and try again in a moment")
        return {"turns": _turns(live.record()), "over": live.over}

    async def _chat(self, rater: str, shown: Shown, item: ChatItem, which: int) -> LiveChat:
        name = chat_names(item)[which]
        if (rater, name) not in self._live:
            if self.open_user is None or self.material.study.chats is None:
                raise RefusedError("this study has no live chats")
            condition = item.conditions[which ^ int(shown.swapped)]
            live = LiveChat(
                name,
                condition.profile(item.profile),
                self.open_user(condition),
                Caller(self._journal(rater), seed=self.material.study.seed),
                self.material.study.chats.rounds,
            )
            await live.start(self.store.said(rater, name))
            self._live[rater, name] = live
        return self._live[rater, name]

    def _journal(self, rater: str) -> Journal:
        if rater not in self._journals:
            folder = self.folder / "chats" / rater
            folder.mkdir(parents=True, exist_ok=True)
            self._journals[rater] = Journal(folder / "journal.sqlite")
        return self._journals[rater]

    async def withdraw(self, rater: str) -> None:
        """Delete the rater's answers and everything of their chats, the journalled calls too."""
        for key in [key for key in self._live if key[0] == rater]:
            await self._live.pop(key).close()
        if rater in self._journals:
            self._journals.pop(rater).close()
        folder = self.folder / "chats" / rater
        if folder.exists():
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()
        self.store.withdraw(rater)

    async def close(self) -> None:
        """Leave every chat where it is; all that was said is kept."""
        for live in self._live.values():
            await live.close()
        for journal in self._journals.values():
            journal.close()
        self.store.close()


def chat_names(item: ChatItem) -> tuple[str, str]:
    """The dialogue ids of an item's two chats, in the order in which they are held."""
    return f"{item.id}.0", f"{item.id}.1"


def _turns(dialogue: Dialogue) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in dialogue.turns]


def _scale_page(scale: Scale, language: Language) -> Mapping[str, Any]:
    spoken = language if language in scale.languages else scale.languages[0]
    inputs = prompt_inputs(scale, spoken)
    return {"id": scale.id, **{key: inputs[key] for key in ("instruction", "items", "anchors", "low", "high")}}
