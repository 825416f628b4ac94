"""Every layout of dialogues that can be read, by the name of its corpus or form."""

from cocoon.corpora.loaders.dialogues import (
    cactus,
    cocoon_dialogues,
    cpsycound,
    cpsycoune,
    dailydialog,
    esconv,
    esdcot,
    extes,
    own_dialogues,
    patienthub,
    psych8k,
    psyqa,
    sage,
    smile,
)
from cocoon.corpora.loaders.logs import agent_logs
from cocoon.corpora.loaders.messages import chat_messages, emollm, forms, messages, sharegpt
from cocoon.corpora.loaders.tables import annomi, empathetic_dialogues, hope, mapped
from cocoon.corpora.reading.dialogue_draft import Corpus
from cocoon.corpora.reading.layout import Layout

_ALL: tuple[Layout, ...] = (
    esconv.LAYOUT,
    esconv.FAILED_LAYOUT,
    extes.LAYOUT,
    esdcot.LAYOUT,
    chat_messages.SOULCHAT_LAYOUT,
    chat_messages.PSYDT_LAYOUT,
    smile.LAYOUT,
    cpsycound.LAYOUT,
    cpsycoune.LAYOUT,
    emollm.LAYOUT,
    cocoon_dialogues.LAYOUT,
    cactus.LAYOUT,
    sage.LAYOUT,
    annomi.LAYOUT,
    hope.LAYOUT,
    empathetic_dialogues.LAYOUT,
    psyqa.LAYOUT,
    psych8k.LAYOUT,
    patienthub.LAYOUT,
    dailydialog.LAYOUT,
    own_dialogues.LAYOUT,
    messages.LAYOUT,
    sharegpt.LAYOUT,
    forms.KTO_LAYOUT,
    forms.DPO_LAYOUT,
    forms.ALPACA_LAYOUT,
    forms.TURNS_LAYOUT,
    agent_logs.INSPECT_LAYOUT,
    agent_logs.TAU2_LAYOUT,
    agent_logs.LANGFUSE_LAYOUT,
)
LAYOUTS: dict[str, Layout] = {layout.corpus.name: layout for layout in _ALL}
CORPORA: dict[str, Corpus] = {
    **{name: layout.corpus for name, layout in LAYOUTS.items()},
    mapped.CORPUS.name: mapped.CORPUS,
}
