"""Facts of a text from elsewhere: its language by its script, and one printable line of it."""

import re
import unicodedata
from collections import Counter

from cocoon.core.records import Language

_HAN = re.compile(r"[\u3400-\u9fff]")


def printable_line(text: str, most: int = 300) -> str:
    """Return another program's words as one printable line of at most `most` characters."""
    line = " ".join(text[: 4 * most].split())[:most]
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def plain_name(name: str) -> str:
    """Return a name without capitals, spaces and punctuation, by which spellings of one name are compared."""
    return "".join(character for character in name.casefold() if character.isalnum())


def language_by_script(text: str) -> Language:
    """Return `zh` where at least a tenth of the letters are Han, else `en`."""
    letters = _count_letters(text)
    return "zh" if letters and 10 * len(_HAN.findall(text)) >= letters else "en"


# Letters that are neither Han nor of an alphabet that English is written in.
_OTHER = re.compile(r"[^\W\d_A-Za-zªµºÀ-ɏ\u3400-\u9fff\U00020000-\U0003ffff\uff21-\uff3a\uff41-\uff5a]")
_NAMES_OF_SCRIPTS = {**dict.fromkeys(("hiragana", "katakana", "katakana-hiragana"), "Japanese"), "hangul": "Korean"}
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’][A-Za-zÀ-ɏ]+)?")
# Frequent words of English that are no frequent words of other languages (`no`, `me` and `was` are).
_ENGLISH = frozenset((
    "the", "and", "you", "i", "it's", "i'm", "it", "that", "to", "of", "is", "my", "with", "for", "what", "this",
    "have", "are", "not", "do", "your", "but", "can", "how", "feel", "be", "as", "just", "like", "know", "don't",
    "about", "we", "they", "she", "had", "would", "been", "if", "there", "when", "all", "think", "yes", "yeah",
    "okay", "hello", "thanks", "thank", "sorry", "good", "really", "get", "want", "from", "that's", "you're", "out",
    "then", "now", "could", "his", "their", "did", "does", "going", "why", "who", "where", "please",
))  # fmt: skip
# Frequent words of German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Polish, Turkish and Indonesian.
_FOREIGN = frozenset((
    "ich", "nicht", "und", "der", "das", "ist", "mir", "mich", "sie", "wie", "ein", "eine", "für", "aber", "habe",
    "je", "ne", "pas", "le", "les", "et", "est", "que", "qui", "vous", "mon", "une", "dans", "pour", "avec", "suis",
    "el", "los", "qué", "por", "para", "con", "mi", "muy", "pero", "yo", "puedo", "estoy", "te", "non", "che", "il",
    "di", "sono", "ho", "ti", "não", "eu", "um", "uma", "com", "estou", "você", "meu", "ik", "niet", "een", "het",
    "van", "dat", "wat", "mijn", "jag", "inte", "och", "är", "det", "att", "nie", "się", "mnie", "jest", "jak",
    "ben", "bir", "ve", "çok", "saya", "tidak", "dan", "yang", "apa", "aku", "kamu", "bisa",
))  # fmt: skip
_FOREIGN_SIGN = re.compile("[äöüßñçãõøåæłśżźćęąőűğşț¿¡éèêàâîôûëïœíóúáì]")
_FEWEST_FOREIGN, _LATIN = 3, "Latin script, not English"
_VOWEL = re.compile("[aeiouyà-ÿœ]")
_FEWEST_WORDS, _ENGLISH_SHARE, _WORD_SHARE = 12, 0.12, 0.8


def has_letters(text: str) -> bool:
    """Return whether a text has a letter, so that its script can be seen."""
    return any(character.isalpha() for character in text)


def other_language(text: str) -> str | None:
    """Return a name for the language of a text that is neither Chinese nor English, or None where it may be one.

    A text is in another language if at least a tenth of its letters are of another script, or if it has at least 12
    Latin words and hardly any of the words that every English text is full of. Of fewer words none may be English, and
    two signs have to show another language: words or letters that English does not have.
    """
    others = [letter for letter in _OTHER.findall(text) if letter.isalpha()]
    if others and 10 * len(others) >= _count_letters(text):
        scripts = Counter(unicodedata.name(letter, "unknown").split()[0].lower() for letter in others)
        script = scripts.most_common(1)[0][0]
        return _NAMES_OF_SCRIPTS.get(script, f"{script} script")
    words = [word.lower().replace("’", "'") for word in _LATIN_WORD.findall(text)]
    english = sum(word in _ENGLISH for word in words)
    if len(words) < _FEWEST_WORDS:
        signs = sum(word in _FOREIGN for word in words) + len(_FOREIGN_SIGN.findall(text.lower()))
        foreign = not english and len(words) >= _FEWEST_FOREIGN and signs >= 2
        return _LATIN if foreign and language_by_script(text) == "en" else None
    if english >= _ENGLISH_SHARE * len(words):
        return None
    # Letters typed at random are no language at all.
    real = sum(_VOWEL.search(word) is not None for word in words) >= _WORD_SHARE * len(words)
    return _LATIN if real and language_by_script(text) == "en" else None


def _count_letters(text: str) -> int:
    return sum(map(str.isalpha, text))
