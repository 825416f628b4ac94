"""Plain text answers of the endpoint, put together from word lists by a seeded generator."""

import random
import re

CJK = re.compile("[㐀-䶿一-鿿]")

_ENGLISH = (
    ("lately", "since spring", "most evenings", "at work", "at home", "on the train", "after dinner",
     "all week", "before sleep", "some mornings", "whenever it rains", "on Sundays"),
    ("I keep going over", "I push away", "I carry", "I circle around", "I half remember", "I put off",
     "I hide", "I talk myself out of", "I turn down", "I lose hold of", "I get stuck on", "I step around"),
    ("the letter from my sister", "what my manager said", "the empty room upstairs", "that last phone call",
     "the plans for next year", "the exam results", "our old neighbourhood", "the money we owe",
     "my father's silence", "the promise I made", "a dinner nobody finished", "the part of me that waits"),
    ("and it sits heavily on me", "and nobody seems to notice", "so the days run together",
     "and I smile anyway", "though it should not matter", "and my chest goes tight",
     "as if it were somebody else's life",
     "and then I say I am fine", "which leaves me tired", "and it is hard to say why", "so I stay quiet",
     "and part of me wants it gone"),
)  # fmt: skip
_CHINESE = (
    ("这阵子", "下班以后", "一到周末", "夜里", "在家的时候", "早上醒来", "开会的时候", "走在路上",
     "吃完饭", "一个人时"),
    ("我总是想起", "我躲着", "我放不下", "我不敢提", "我反复琢磨", "我一直拖着", "我装作忘了",
     "我压着", "我绕开了"),
    ("姐姐那封信", "领导说的那句话", "楼上空着的房间", "最后一通电话", "明年的打算", "那次考试", "老房子",
     "欠下的钱", "父亲的沉默", "当初答应的事"),
    ("心里沉甸甸的", "也没有人看出来", "日子就糊在一起", "脸上还是笑着", "按理说不该在意", "胸口发紧",
     "像在过别人的生活", "嘴上只说没事", "整个人很累", "说不清为什么"),
)  # fmt: skip


def is_chinese(text: str) -> bool:
    """Whether the text holds a CJK ideograph."""
    return CJK.search(text) is not None


def sentences(draw: random.Random, size: int, chinese: bool) -> str:
    """Sentences of at least `size` bytes of UTF-8, so that both languages cost the wire the same."""
    lists, gap, stop = (_CHINESE, "，", "。") if chinese else (_ENGLISH, " ", ". ")
    made, length = [], 0
    while length < size:
        parts = [draw.choice(words) for words in lists]
        sentence = f"{parts[0]}{gap}{parts[1]}{'' if chinese else gap}{parts[2]}{gap}{parts[3]}"
        made.append(sentence if chinese else sentence[0].upper() + sentence[1:])
        length += len(sentence.encode())
    return (stop.join(made) + stop).strip()
