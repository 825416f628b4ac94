"""One small record of every corpus in its own layout, in our own words, for the tests of loaders."""

import json
from typing import Any

_EN = ["I keep working late.", "That sounds draining.", "Nobody notices it."]
_ZH = ["我最近总是睡不好。", "听起来你很累。", "妈妈说：早点睡。可我睡不着。"]


def _two(first: str, second: str, key: str, text: str, words: list[str]) -> list[dict[str, str]]:
    return [{key: (first, second, first)[place], text: word} for place, word in enumerate(words)]


RECORDS: dict[str, list[Any]] = {
    "smile": [{"id": 7, "dialog": _two("client", "counselor", "role", "content", _ZH)}],
    "esconv": [
        {
            "emotion_type": "anger",
            "problem_type": "job",
            "situation": "I work too much.",
            "survey_score": {"seeker": {"empathy": "4"}, "supporter": {"relevance": "5"}},
            "dialog": [
                {"speaker": "seeker", "annotation": {"feedback": "3"}, "content": _EN[0]},
                {"speaker": "supporter", "annotation": {"strategy": "Reflection of feelings"}, "content": _EN[1]},
            ],
        },
        {
            "situation": "I work too much.",
            "init_intensity": 4,
            "dialog": [
                {"text": "I don ' t sleep .", "speaker": "usr"},
                {"text": "I see .", "speaker": "sys", "strategy": "Others", "all_strategy": ["Others", "Question"]},
            ],
        },
        {"situation": "s", "dialog": [{"text": "Odd . as said", "speaker": "usr"}]},
    ],
    "esconv-failed": [{"situation": "s", "dialog": _two("speaker", "listener", "speaker", "content", _EN)}],
    "extes": [
        {"scene": "Work", "description": "d", "content": [{"User": _EN[0]}, {"AI": _EN[1], "AI Strategy": "Empathy"}]},
        {"scene": "Work", "description": "d", "content": [{"User": _EN[0], "AI": {"AI": _EN[1], "strategy": "E"}}]},
    ],
    "esdcot": [
        {
            "id": 3,
            "original_data": {
                "dialog": _two("seeker", "supporter", "speaker", "content", _EN),
                "response": "I hear you.",
            },
            "cot_data": {"emotion": "Tired.", "recognized_strategy": "Reflection", "strategy_reason": "To show it."},
        },
        {
            "input": f"seeker: {_EN[0]}\nsupporter： {_EN[1]}\nseeker: {_EN[2]}\nand on",
            "output": "Emotion:\nTired.\nStrategy Reason:\nTo show it.\nResponse:\nI hear you.\n\nTake your time.",
            "dialog_id": 4,
        },
    ],
    "soulchat": [{"id": 0, "topic": "睡眠", "messages": _two("user", "assistant", "role", "content", _ZH)}],
    "sharegpt": [
        {"id": 0, "system": "x", "conversations": _two("human", "gpt", "from", "value", _ZH)},
        {"conversations": [{"from": "system", "value": "x"}, *_two("user", "assistant", "from", "value", _EN)]},
    ],
    "psydt": [
        {
            "id": 0,
            "normalizedTag": "睡眠",
            "messages": [{"role": "system", "content": "x"}, *_two("user", "assistant", "role", "content", _ZH)],
        }
    ],
    "cpsycound": [
        {"id": "case_1", "raw": f"来访者：{_ZH[0]}\r\n\r\n心理咨询师: {_ZH[1]}\r\n\r\n来访者：{_ZH[2]}\r\n妈妈：睡吧"}
    ],
    "cpsycoune": [{"topic": "Sleep", "file": "1.json", "data": [f"求助者：{_ZH[0]}", f"支持者：{_ZH[1]}"]}],
    "emollm": [
        {
            "conversation": [
                {"system": "你是心理咨询师。", "input": _ZH[0], "output": _ZH[1]},
                {"input": _ZH[2], "output": "嗯。\n\n医生：睡吧"},
            ]
        }
    ],
    "cocoon": [
        {
            "profile": {"Emotion": "疲惫", "feeling": "我很累", "Need": "我想被照顾"},
            "Listening Stage": [
                {"role": "倾听者", "content": "你好。"},
                {"role": "倾诉者", "content": _ZH[0]},
                {"role": "倾听者", "analysis": "a", "strategy": "s", "content": "累吗？", "rewrite": _ZH[1]},
                {"role": "倾诉者", "content": _ZH[2]},
            ],
            "Suggestion Stage": [{"对话分析": "b"}, {"role": "倾听者", "content": "早点休息吧。"}],
        }
    ],
    "cactus": [
        {
            "AI_client": {
                "intake_form": "Name:\nA\n\n2. Presenting Problem\nI cannot sleep.\n\n3. Reason\nx",
                "attitude": "neutral",
                "dialogue_history_init": f"Counselor: {_EN[1]}\nClient: {_EN[0]}",
                "dialogue_history": None,
            }
        }
    ],
    "sage": [
        {
            "id": "u-1",
            "emo_point": 30,
            "topic": "睡眠",
            "scene": "**事件起因：**\n他睡不好。\n\n**事件经过：**",
            "task": "想被听见",
            "history": [
                {"role": "user", "content": _ZH[0], "emotion-point": 40},
                {"role": "assistant", "content": _ZH[1]},
                {"role": "user", "content": _ZH[2], "emotion-point": 30, "planning": {"analyse": "没有被听懂"}},
            ],
        }
    ],
    "messages": [{"messages": _two("user", "assistant", "role", "content", _EN)}],
    "kto": [{"messages": _two("user", "assistant", "role", "content", _EN)[:2], "label": True}],
    "dpo": [{"prompt": _EN[0], "chosen": _EN[1], "rejected": "So what."}],
    "alpaca": [{"instruction": _EN[2], "input": "", "output": _EN[1], "history": [[_EN[0], "I see."]]}],
    "turns": [
        {"dialog": _two("client", "therapist", "speaker", "text", _EN)},
        _two("usr", "sys", "from", "value", _EN),
    ],
    "psych8k": [{"instruction": "You are a counselor.", "input": _EN[0], "output": _EN[1]}],
    "psyqa": [
        {
            "question": _ZH[0],
            "description": "x",
            "keywords": "睡眠,情绪",
            "questionID": 5,
            "answers": [
                {
                    "answer_text": _ZH[1],
                    "has_label": True,
                    "labels_sequence": [{"start": 0, "end": 3, "type": "Approval"}],
                }
            ],
        }
    ],
    "patienthub": [
        {
            "profile": {"name": "A", "situation": "Her bills are due.", "emotion": ["anxious", "sad"]},
            "messages": _two("Therapist", "Client", "role", "content", _EN),
            "num_turns": 2,
        }
    ],
    "dailydialog": [{"dialog": _EN, "act": [2, 1, 1], "topic": 1}],
    "inspect": [
        {
            "id": "p",
            "epoch": 1,
            "target": "",
            "messages": [
                {"role": "user", "content": _EN[0]},
                {"role": "assistant", "content": "", "tool_calls": [{"function": "search"}]},
                {"role": "tool", "content": "nothing"},
                {
                    "role": "assistant",
                    "content": [{"type": "reasoning", "reasoning": "tired"}, {"type": "text", "text": _EN[1]}],
                },
            ],
        }
    ],
    "tau2": [
        {
            "id": "s-1",
            "task_id": "7",
            "messages": _two("assistant", "user", "role", "content", _EN),
            "reward_info": {"reward": 1.0},
        }
    ],
    "langfuse": [
        {"traceId": "t", "input": {"messages": [{"role": "user", "content": _EN[0]}]}, "output": _EN[1]},
        {
            "sessionId": "s",
            "input": json.dumps([{"role": "user", "content": _EN[0]}]),
            "output": '{"content": "I see."}',
        },
    ],
}


def as_lines(name: str) -> str:
    """A corpus' records, a JSON object a line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS[name])


def as_list(name: str) -> str:
    """A corpus' records as one JSON list."""
    return json.dumps(RECORDS[name], ensure_ascii=False, indent=1)
