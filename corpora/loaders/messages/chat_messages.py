"""Read corpora of chat messages (role user or assistant, content): SoulChatCorpus and PsyDTCorpus."""

from collections.abc import Iterator

from cocoon.corpora.loaders.messages.conversation import say_conversation
from cocoon.corpora.reading.dialogue_draft import Corpus, Draft, ReadDialogue
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.layout import Layout, has_keys

SOULCHAT = Corpus(
    "soulchat",
    "SoulChatCorpus, multi-turn empathetic dialogues, zh",
    "SoulChatCorpus",
    "Apache-2.0",
    "attribution",
    also=("SoulChatCorpus",),
)
PSYDT = Corpus(
    "psydt",
    "PsyDTCorpus, counselling in one person's manner, zh",
    "PsyDTCorpus",
    "Apache-2.0",
    "attribution",
    also=("PsyDTCorpus",),
)


def read_tagged_messages(record: ForeignRecord, draft: Draft) -> Iterator[ReadDialogue]:
    """Yield the dialogue of a record, with its system messages as a fact."""
    say_conversation(record, draft)
    yield draft.read(scenario=record.text("normalizedTag") or record.text("topic"))


SOULCHAT_LAYOUT = Layout(SOULCHAT, read_tagged_messages, has_keys("messages", "topic"))
PSYDT_LAYOUT = Layout(PSYDT, read_tagged_messages, has_keys("messages", "normalizedtag"))
