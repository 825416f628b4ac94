"""Read corpora of chat messages (role user or assistant, content): SoulChatCorpus and PsyDTCorpus."""

from collections.abc import Iterator
from pathlib import Path

from cocoon.core.records import Role
from cocoon.corpora.reading.dialogue_draft import Corpus, ReadDialogue, drafts

SOULCHAT = Corpus(
    "soulchat", "SoulChatCorpus, multi-turn empathetic dialogues, zh", "SoulChatCorpus", "Apache-2.0", "attribution"
)
PSYDT = Corpus(
    "psydt", "PsyDTCorpus, counselling in one person's manner, zh", "PsyDTCorpus", "Apache-2.0", "attribution"
)
ROLES: dict[str, Role] = {"user": "user", "assistant": "supporter", "supporter": "supporter"}


def load_messages(path: Path, corpus: Corpus) -> Iterator[ReadDialogue]:
    """Yield every dialogue, with its system messages as a fact.

    Raises CocoonError naming the file, the record and the message that cannot be read.
    """
    for record, draft in drafts(path, corpus):
        draft.say_all(record.objects("messages", "message"), "role", "content", ROLES)
        yield draft.read(scenario=record.text("normalizedTag") or record.text("topic"))
