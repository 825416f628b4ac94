"""An endpoint that writes and rates scripts as it is asked to, in both languages, for the tests of the writer's rules.

It knows which call it answers by the name of the schema, and reads lengths and limits from the prompt alone.
"""

import json
import re
from typing import Any

from cocoon.core.records import Language
from cocoon.core.text import language_by_script
from cocoon.evaluation.scales.scoring import load_scale
from cocoon.tests.commands import Answer, said

_THINGS: dict[Language, list[str]] = {
    "en": [
        "kettle",
        "staircase",
        "window",
        "lamp",
        "ladder",
        "garden",
        "bicycle",
        "curtain",
        "letterbox",
        "radiator",
        "doormat",
        "teapot",
    ],
    "zh": ["水壶", "楼梯", "窗户", "台灯", "梯子", "院子", "单车", "窗帘", "信箱", "暖气", "门垫", "茶壶"],
}
_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "draft": "So it is the {} again, right?",
        "statement": "It is the {} again that takes the evening away.",
        "user": "Yes. I looked at the {} until it got dark.",
        "reply": "Me? It is nothing, I was looking at the wall.",
        "supporter": "You noticed the {}. On Monday at seven, carry it to your neighbour and stay for tea.",
        "weighs": "I tried that with the {} in spring, and he laughed. At eight I could.",
    },
    "zh": {
        "draft": "又是那个{}，是吧？",
        "statement": "又是那个{}把你的晚上占去了。",
        "user": "嗯，我一直看着{}看到天黑。",
        "reply": "我？没什么，就是看看墙。",
        "supporter": "你连{}都留意到了。礼拜一七点，把它搬到邻居家，坐下喝杯茶。",
        "weighs": "春天我拿{}试过，他笑了一场。八点我倒是去得了。",
    },
}
_NUMBER = {
    "rounds": re.compile(r"next (\d+) exchanges|接着写 (\d+) 个来回"),
    "early": re.compile(r"next (\d+) answers|接下来的 (\d+) 次回答"),
    "fewest": re.compile(r"at least (\d+) exchanges|至少写 (\d+) 个来回|Write (\d+) exchanges|请写 (\d+) 个来回"),
}
_NEED = re.compile(r"(?:needs? underneath|心底的需要)[^:：\n]*[:：] ?(.+)")


def number_in(text: str, name: str) -> int:
    """A number that a prompt asks for, 0 where it asks for none."""
    match = _NUMBER[name].search(text)
    return int(next(filter(None, match.groups()))) if match else 0


class CompetentEndpoint:
    """Answers every call of `cocoon script`. `prompts` are what it was asked, by the name of the schema."""

    def __init__(self, suggestions: int | None = None) -> None:
        self.prompts: dict[str, list[str]] = {}
        self._suggestions = suggestions

    def answer(self) -> Answer:
        def answer(request: dict[str, Any]) -> tuple[int, Any]:
            name = request["response_format"]["json_schema"]["name"]
            text = "\n".join(message["content"] for message in request["messages"])
            self.prompts.setdefault(name, []).append(text)
            return said(json.dumps(self._answer(name, text), ensure_ascii=False))

        return answer

    def _answer(self, name: str, text: str) -> Any:
        kind = name.removeprefix("script_").removesuffix("_paper")
        answers = {"listen": self._listen, "suggest": self._suggest, "check": self._check}
        if kind in answers:
            return answers[kind](text)
        if kind in ("confirm", "advises", "asks"):
            return {"same": False, "advice": False, "asks": False}
        if kind == "analyse":
            return {"link": "One brings the other.", "ways": "A visit.", "comfort": "It eases."}
        if kind == "annotate":
            return {key: f"{key} is this" for key in ("facts", "expectation", "conjecture", "explore", "strategy")}
        return {"items": dict.fromkeys(load_scale("aels").item_ids, 5)}

    def _listen(self, text: str) -> Any:
        language = language_by_script(text)
        written, early = text.partition("<script>")[2], number_in(text, "early")
        things = [thing for thing in _THINGS[language] if thing not in written]
        begins = '"reply"' in text
        exchanges = [
            {key: _WORDS[language][key].format(thing) for key in ("draft", "statement", "user")}
            for thing in things[: number_in(text, "rounds")]
        ]
        need = _NEED.search(text)
        if early < len(exchanges) + begins and need:
            exchanges[-1]["user"] = need.group(1)
        return {"exchanges": exchanges} | ({"reply": _WORDS[language]["reply"]} if begins else {})

    def _suggest(self, text: str) -> Any:
        language = language_by_script(text)
        words, fewest = _WORDS[language], number_in(text, "fewest")
        things = _THINGS[language][: fewest if self._suggestions is None else self._suggestions]
        exchanges = [{"supporter": words["supporter"].format(it), "user": words["weighs"].format(it)} for it in things]
        return {"exchanges": exchanges, "closing": words["statement"].format(things[0])}

    def _check(self, text: str) -> Any:
        need = re.findall(r"(?:needs underneath|心底的需要)[:：] ?(.+)", text)[0]
        reached = need in text.partition("<transcript>")[2]
        return {"understood": True, "reached": reached, "decision": "stop" if reached else "continue", "note": ""}
