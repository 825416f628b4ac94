"""The words of charts in both languages. The caller fills in the {names}."""

from cocoon.core.records import Language

WORDS: dict[str, tuple[str, str]] = {
    "counts": ("n {n}, missing {missing}", "n {n}，缺失 {missing}"),
    "more": (
        "The first {shown} of {whole} are drawn; all are in the tables.",
        "仅绘出 {whole} 组中的前 {shown} 组，全部见表格。",
    ),
    "success": ("Success rate by supporter", "各支持者的成功率"),
    "success_paper": ("paper", "论文"),
    "success_attributed": ("attributed", "归因"),
    "success_axis": ("share of dialogues in which the need was named", "说出需求的对话所占比例"),
    "success_note": (
        "95% interval over profiles. Paper: named by either of the two; attributed: named by the supporter, or by the "
        "user after a reflection or a question. Missing verdicts are in no rate.",
        "区间为按画像计算的 95% 区间。论文：双方任一方说出；归因：支持者说出，或用户在反映、提问之后说出。"
        "缺失的判定不计入比例。",
    ),
    "success_empty": ("0 of {n} dialogues have a verdict", "{n} 段对话中有判定的：0"),
    "comfort": ("Comfort by measured question ratio", "安慰量表得分与实测提问比例"),
    "affective": ("Affective improvement", "情绪改善"),
    "affective_axis": ("1 to 7, higher is better", "1 至 7，越高越好"),
    "negative": ("7 − Neg", "7 − 负面评价"),
    "negative_axis": ("0 to 6, higher is better", "0 至 6，越高越好"),
    "ratio_axis": ("turns of the supporter that ask", "支持者含提问的发言所占比例"),
    "comfort_note": (
        "A large mark is a supporter's mean with 95% intervals both ways, a faint one a dialogue. All dialogues rated "
        "on the scale count, not only those in which the need was named. 7 − Neg has the form of the paper's Figure 4; "
        "Neg, the negative evaluation of the helper, is in the tables.",
        "大标记为各支持者的均值，横竖线为 95% 区间；淡点为单段对话。凡按该量表评过的对话都计入，不限于说出需求的对话。"
        "7 − 负面评价沿用论文图 4 的形式，原值见表格。",
    ),
    "comfort_empty": ("0 of {n} dialogues have a value on the comfort scale", "{n} 段对话中有安慰量表得分的：0"),
    "opening": ("Disclosure and trust by round", "各轮的吐露程度与信任"),
    "disclosure": ("Disclosure", "吐露程度"),
    "disclosure_axis": ("share of chain nodes unlocked", "已解锁的需求链节点比例"),
    "trust": ("Trust", "信任"),
    "trust_axis": ("points", "分"),
    "round_axis": ("round (user turn)", "轮次（用户发言）"),
    "opening_note": (
        "Guarded users; mean over profiles, band: 95% t interval. A dialogue counts as long as it lasts, so later "
        "rounds may have fewer dialogues.",
        "仅含“戒备型”用户；按画像取均值，色带为 95% t 区间。对话结束后不再计入，因此后面轮次的对话可能较少。",
    ),
    "opening_empty": ("0 of {n} dialogues have a guarded user", "{n} 段对话中用户为“戒备型”的：0"),
    "turns": ("Turns of a dialogue", "对话的发言数分布"),
    "turns_axis": ("turns of both sides, the opening included", "双方发言数（含开场）"),
    "turns_note": (
        "Heights are shares of a supporter's dialogues; each strip has its own scale, whose top is named at the right.",
        "高度为该支持者对话的比例；各行刻度不同，右侧标出其最大值。",
    ),
    "turns_empty": ("0 dialogues", "对话：0"),
    "questions": ("Questions of the supporter by type", "支持者提问的类型"),
    "questions_axis": ("share of the supporter's sentences", "占支持者句子的比例"),
    "questions_note": (
        "Sentences, found by rule; probes and rhetorical questions are not in the question ratio.",
        "按句计数，由规则识别；探询与反问不计入提问比例。",
    ),
    "questions_empty": ("0 of {n} dialogues have a sentence of the supporter", "{n} 段对话中支持者有发言的：0"),
    "open": ("open", "开放式"),
    "closed": ("closed", "封闭式"),
    "tag": ("tag", "附加问"),
    "probe": ("probe", "探询"),
    "rhetorical": ("rhetorical", "反问"),
    "sentences": ("{n} sentences", "{n} 句"),
    "missing": ("Missing by scale", "各量表的缺失情况"),
    "missing_axis": ("share of ratings", "占评分的比例"),
    "missing_note": (
        "All supporters and judges together; apart, and with the reasons, in the tables.",
        "合计所有支持者与评委；分列及原因见表格。",
    ),
    "missing_empty": ("0 of {n} dialogues are rated", "{n} 段对话中已评分的：0"),
    "complete": ("complete", "完整"),
    "partly": ("some items missing", "部分条目缺失"),
    "nothing": ("no value", "无可用值"),
    "lost": ("no reply", "无回复"),
    "ratings": ("n {n}", "n {n}"),
    "scale_axis": ("mean, {low} to {high}", "均值，{low} 至 {high}"),
    "scale_note": ("Mean over profiles with its 95% interval.", "按画像的均值及其 95% 区间。"),
    "scale_empty": ("no value on this scale", "此量表没有数值"),
    "scenarios": ("Scenarios", "情境分布"),
    "emotions": ("Emotions", "情绪分布"),
    "profiles_axis": ("share of profiles", "占画像的比例"),
    "profiles_empty": ("0 of {n} profiles name one", "{n} 个画像中有此项的：0"),
    "difficulty": ("Reasoning difficulty by length of the chain", "不同链长的推理难度"),
    "difficulty_note": (
        "Length: steps after the first need. Difficulty of the last need seen from the first, 1 (surface) to 5 "
        "(unrelated), as the profile states it.",
        "链长为初始需求之后的步数；难度为由初始需求推到最终需求的难度，1（表层）至 5（无关联），取自画像。",
    ),
    "steps": ("{n} steps", "{n} 步"),
    "step": ("1 step", "1 步"),
    "unrated": ("not rated", "未评"),
}


def word(key: str, language: Language, **names: object) -> str:
    """Return the wording of `key` with its names filled in."""
    return WORDS[key][language == "zh"].format(**names)
