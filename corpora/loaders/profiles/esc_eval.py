"""Read ESC-Eval role cards (card_high_en.json, card_high_zh.json): a problem and facts about the person, no need.

The cards have no licence and come from corpora with conditions of their own. We read them and never ship them.
"""

import re
from typing import Any, get_args

from cocoon.core.errors import CocoonError
from cocoon.core.records import Language, Profile
from cocoon.core.text import language_by_script
from cocoon.corpora.reading.dialogue_draft import Draft
from cocoon.corpora.reading.foreign_file import clip, lower_keys, shown, text_at
from cocoon.corpora.reading.foreign_record import ForeignRecord
from cocoon.corpora.reading.repair import ReadProfile

LICENCE = "none (ESC-Eval ships no licence)"
CARD_KEYS = ("base", "base_biaozhu", "id", "language", "res", "source")
_LANGUAGES: dict[str, Language] = {"english": "en", "chinese": "zh", **{code: code for code in get_args(Language)}}
_LINE = re.compile(r"\s*(?P<label>[^:：]+?)\s*[:：](?P<value>.*)", re.DOTALL)
_LABELS = {
    "age": "age", "gender": "gender", "occupation": "occupation", "problem": "problem",
    "年龄": "age", "性别": "gender", "职业": "occupation", "问题": "problem",
}  # fmt: skip
_NAMES: dict[Language, dict[str, str]] = {
    "en": {"age": "age", "gender": "gender", "occupation": "occupation"},
    "zh": {"age": "年龄", "gender": "性别", "occupation": "职业"},
}
_NOT_STATED = frozenset({"", "not mentioned", "未提及"})
_SETTINGS = {"家庭生活": "Family life", "工作学习": "Work and study", "社会与其他": "Society and other"}


def read_esc_eval(record: ForeignRecord, draft: Draft) -> ReadProfile:
    """Return the profile of a card. Raises CocoonError naming the key that cannot be read."""
    del draft
    return ReadProfile(record.where, _profile(record.where, lower_keys(record.whole(), record.where, CARD_KEYS)))


def _profile(where: str, card: dict[str, Any]) -> Profile:
    base = text_at(card, "base", where)
    fields = _fields(base, where)
    language = _language(card, base, where)
    setting = text_at(card, "res", where, needed=False)
    return Profile(
        id=f"esc-eval-{_number(card, where)}",
        language=language,
        scenario=setting if language == "zh" else _SETTINGS.get(setting, setting),
        feeling=_feeling(fields, language, where),
        source=f"ESC-Eval ({text_at(card, 'source', where, needed=False) or 'card source not stated'})",
        licence=LICENCE,
    )


def _fields(base: str, where: str) -> dict[str, str]:
    """Return what a card states, by field.

    A line without a known label continues the field before it.
    """
    fields: dict[str, str] = {}
    last_label = None
    for line in filter(str.strip, base.splitlines()):
        match = _LINE.fullmatch(line)
        label = _LABELS.get(match["label"].lower()) if match else None
        if match and label and label not in fields:
            last_label, fields[label] = label, match["value"].strip()
        elif last_label:
            fields[last_label] = f"{fields[last_label]}\n{line.strip()}".strip()
        else:
            raise CocoonError(f"{where}: key 'base': no known label in {clip(line.strip())!r}; write 'Problem: ...'")
    return fields


def _feeling(fields: dict[str, str], language: Language, where: str) -> str:
    problem = fields.get("problem", "")
    if not problem:
        raise CocoonError(f"{where}: key 'base': the card states no problem; write 'Problem: ...'")
    known = [
        (name, fields[field])
        for field, name in _NAMES[language].items()
        if fields.get(field, "").lower() not in _NOT_STATED
    ]
    if not known:
        return problem
    if language == "zh":
        return f"{problem}（{'，'.join(f'{name}：{value}' for name, value in known)}）"
    return f"{problem} ({'; '.join(f'{name}: {value}' for name, value in known)})"


def _language(card: dict[str, Any], base: str, where: str) -> Language:
    stated_language = card.get("language")
    if stated_language is None:
        return language_by_script(base)
    if isinstance(stated_language, str) and stated_language.lower() in _LANGUAGES:
        return _LANGUAGES[stated_language.lower()]
    raise CocoonError(f"{where}: key 'language': must be 'english' or 'chinese', found {shown(stated_language)}")


def _number(card: dict[str, Any], where: str) -> str:
    number = card.get("id")
    if isinstance(number, (int, str)) and not isinstance(number, bool) and str(number).strip():
        return clip(str(number).strip())
    raise CocoonError(f"{where}: key 'id': must be a number or a name, found {shown(number)}")
