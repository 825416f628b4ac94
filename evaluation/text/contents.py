"""The content-bearing parts of a text, the same for a question and for the statement of the same content.

Both forms are made alike before they are compared: asking particles and tags are removed, `能不能` becomes `能`, and a
verb has one stem whether an auxiliary asks (`did he leave`) or not (`he left`).
"""

import re
from functools import lru_cache

# Tags follow a comma. Without a comma the same words are contents (他身体还好吗, is it the right step).
_TAG = (
    "是不是|是这样吗|不是吗|是吗|是吧|对不对|对吗|对吧|好不好|好吗|好吧|行不行|行吗|可不可以|可以吗|没错吧"
    "|right|okay|ok|no|yes"
)
_AUXILIARY = "am|is|are|was|were|do|does|did|have|has|had|can|ca|could|wo|will|would|shall|should|may|might|must"
_EDGE = r"(?=\s*(?:[。.!！?？…]|$))"
_TAGS = re.compile(
    rf"(?:(?<=[，,])|(?<=, ))(?:{_TAG}|(?:{_AUXILIARY})(?:n['’]t)? (?:i|you|he|she|it|we|they|there)){_EDGE}",
    re.IGNORECASE,
)
_ASKING = re.compile(rf"是否|(?<=[能可会])否|难道|[吗呢]|吧{_EDGE}")
_A_NOT_A = re.compile(r"(?P<verb>[\u4e00-\u9fff]{1,2})[不没](?P=verb)")
# The copula depends on the form: `你是怕…吗`, `你怕…`.
_COPULA = "是"
_SHORT_FORMS = (
    (re.compile("[’ʼ]"), "'"),
    (re.compile(r"\b(?:can't|cannot)\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'(?:re|s|m|ve|ll|d)\b"), " "),
)
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the i you we they it he she me my your our their him his her us them to of in on at for with and or but "
        "be been being is are was were am do does did done have has had that this these those there not no so as if "
        "can could would will shall should may might must just more some any want wants wanted need needs needed feel "
        "feels feeling felt like really very from by about what who how why when where seem seems seemed",
    )
)
_STOP_BIGRAMS = frozenset(
    re.findall(r"\w+", "我想 我希 希望 想要 要能 能够 我的 你的 自己 可以 一个 什么 觉得 感到 感觉 你想 你希 也许")
)
_WORDS = re.compile(r"[a-z']+")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_ENDINGS = ("ing", "ed", "es", "s")
# Past forms and participles. A question with an auxiliary has their base form instead.
_IRREGULAR = {
    past: base
    for base, pasts in re.findall(
        r"(\w+): ([\w ]+)",
        "bear: bore borne; become: became; begin: began begun; break: broke broken; bring: brought; build: "
        "built; buy: bought; catch: caught; choose: chose chosen; come: came; drive: drove driven; eat: ate "
        "eaten; fall: fell fallen; fight: fought; find: found; forget: forgot forgotten; get: got gotten; "
        "give: gave given; go: went gone goes; grow: grew grown; hang: hung; hear: heard; hide: hid hidden; "
        "hold: held; keep: kept; know: knew known; lead: led; leave: left; lend: lent; lie: lay lain; lose: "
        "lost; make: made; mean: meant; meet: met; pay: paid; ring: rang rung; run: ran; say: said; see: saw "
        "seen; send: sent; show: shown; sit: sat; sleep: slept; speak: spoke spoken; spend: spent; stand: "
        "stood; take: took taken; teach: taught; tell: told; think: thought; use: used; wake: woke woken; "
        "wear: wore worn; write: wrote written",
    )
    for past in re.findall(r"\w+", pasts)
}


def without_tags(text: str) -> str:
    """Return the text without `对吗`, `right` or `mustn't you` after the comma at the end of a sentence."""
    return _TAGS.sub("", text)


# A need is compared with sentence after sentence, and a turn with every step of a chain.
@lru_cache(maxsize=4096)
def contents(text: str) -> frozenset[str]:
    """Return the content-bearing parts of a text: stems of its Latin words, pairs of its Han characters."""
    plain = _ASKING.sub("", without_tags(text))
    plain = _A_NOT_A.sub(r"\g<verb>", plain).replace(_COPULA, "").lower()
    for pattern, expansion in _SHORT_FORMS:
        plain = pattern.sub(expansion, plain)
    words = frozenset(_stem(word) for word in _WORDS.findall(plain) if word not in _STOP_WORDS)
    pairs = {run[i : i + 2] for run in _HAN.findall(plain) for i in range(len(run) - 1)}
    return words | (pairs - _STOP_BIGRAMS)


def share_named(text: str, node: str, said: str = "") -> float:
    """Return the share of a chain node's contents that a text names, 0 to 1.

    What was `said` before counts neither as named nor as still to be named.
    """
    known = contents(said)
    unsaid = contents(node) - known
    return len(unsaid & contents(text)) / len(unsaid) if unsaid else 0.0


def _stem(word: str) -> str:
    """Return one stem for the forms of a regular verb, as in change, changes, changed, or try, tried."""
    word = _IRREGULAR.get(word, word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return f"{word[:-1]}i" if len(word) > 2 and word.endswith("y") else word
