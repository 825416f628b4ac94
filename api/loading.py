"""`load_profiles`, `load_dialogues` and `open_model`: what a study is made of, one piece at a time."""

from pathlib import Path

from langchain_core.language_models import BaseChatModel

from cocoon.core.jsonl import read_records
from cocoon.core.outside.profile_files import profile_path
from cocoon.core.records import Dialogue, Language, Profile
from cocoon.models.by_name import open_chat
from cocoon.running.local_parts import local_parts
from cocoon.running.study import profiles_of


def load_profiles(
    name: str | Path = "shipped", *, limit: int | None = None, language: Language | None = None
) -> list[Profile]:
    """Return the profiles of a file, or of `shipped`, `shipped:en`, `shipped:zh`.

    Raises CocoonError naming file, line and key of what is no profile.
    """
    return profiles_of([str(path) for path in profile_path(str(name))], limit, language)


def load_dialogues(path: str | Path) -> list[Dialogue]:
    """Return the dialogues of a run folder or of a file, such as `cocoon corpus import` writes.

    Raises CocoonError naming file, line and key of what is no dialogue.
    """
    path = Path(path)
    return list(read_records(path / "dialogues.jsonl" if path.is_dir() else path, Dialogue))


def open_model(spec: str) -> BaseChatModel:
    """Return the LangChain chat model of a spec, such as `local:smollm2` or `openai:gpt-5-mini`.

    Raises CocoonError for a spec that is not understood, a missing key, or weights that cannot be loaded.
    """
    chat, _ = open_chat(spec, local_parts())
    return chat
