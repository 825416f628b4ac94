"""Chinese sentences that ask without a question's form, and questions that ask nobody, as patterns."""

import re

from cocoon.evaluation.questions.sentences import any_of

TOLD_OF = re.compile("(?<![不没])(?:问(?!题)|质问|追问|纳闷)(?:过|了|起|着)?(?:我|他|她|自己)")
_SOMEBODY = any_of(
    "[他她它](?!.*[你您])|别人|人家|大家|妈妈?|爸爸?|父母|老师|同学|朋友|领导|老板|孩子|对方",
)
_MIND = "(?:心里|脑海里?|脑子里?|内心|会|总是?|一直|常常?|不断|反复|忍不住|不停)"
REPORTED_QUESTION = re.compile(
    "(?:.*[，,])?"
    + any_of(
        f"[^，,？?]{{0,8}}{_SOMEBODY}[^，,？?：:]{{0,8}}"
        "(?:想|(?<![请疑])问(?!题)|说|质问|嘀咕|念叨|怀疑|喊)[^，,？?：:觉]{0,6}",
        f"[^，,？?]{{0,6}}[你您][^，,？?：:]{{0,6}}{_MIND}[^，,？?：:]{{0,6}}"
        "(?:想|问自己|问|冒出|闪过|响起|嘀咕|怀疑|浮现)[^，,？?：:]{0,8}",
    )
    + "[，,：:][^。，,]*(?:[？?]|吗|呢)[^？?]{0,2}$",
    re.DOTALL,
)
"""A question that somebody else asks, or that the listener is said to ask."""
QUOTED = re.compile('[“"「『]([^”"」』]+)[”"」』]')
_TELLING = any_of(
    "[说讲聊谈]一?[说讲聊谈](?!得|不|而|清|明|服|过|话|天|我的|我自己)|告诉我(?!们的|任何)|[说讲]下去",
    "(?:[说讲聊谈]|描述|介绍|形容|分享|解释|回答)一下|多[说讲聊谈]一?[点些]",
)
_NAMING = (
    any_of("描述|形容|讲述|介绍|展开[说讲谈]?|补充|回答|解释", "举(?:一?个|些)(?:具体的?)?例子?")
    + "(?!了|过|的|给|与|会|能|可)"
)
_LED = "(?:那么?|所以|好的?|嗯|没关系|首先|其次|另外|现在|接下来|然后|不妨|要不|慢慢|先|再|就|也|来|[你您])*"
_MANNER = (
    any_of(
        "就|先|再|都|能|来|去|更|好好|慢慢|尽量|尽可能|试着|尝试|继续|详细|具体|简单|大概|大致|仔细",
        "随便|直接|坦率|多多?|更多|一些|[地得的]",
    )
    + "*"
)
_TO_ME = "(?:跟|和|对|给|向|为|与|同)(?:我(?!们)|咱)"
_TO_OTHERS = (
    "(?:.*(?:给|对|跟|和|向|与)"
    + any_of("[他她]|别人|他人|家人|朋友|父母|老师|医生|对方|身边|信任|孩子|同学|领导")
    + ")"
)
_ASKED = "(?:我想?请|麻烦|请|可以|能|试着|尝试|尽量|详细|具体|简单|继续)"
PROBE = re.compile(
    f"(?!{_TO_OTHERS})"
    + any_of(
        f"{_LED}(?:我想?请|我希望[你您]?|麻烦|请|可以|能)?{_LED}{_MANNER}(?:{_TO_ME})?{_MANNER}{_TELLING}",
        f"{_LED}{_ASKED}[你您]?{_MANNER}(?:{_TO_ME})?{_MANNER}{_NAMING}",
        f"{_LED}(?:可以|能)?{_MANNER}{_TO_ME}{_MANNER}(?:分享|{_NAMING})|{_LED}请[你您]?{_MANNER}分享",
    )
)
"""An imperative that asks the listener to tell, at the start of a clause."""
WISH = re.compile(
    "(?:那么?|所以|其实|如果可以|首先|现在|另外|因此|不过|但是?)?"
    "我(?!不|没)[^，？?不没]{0,4}(?:想|希望|期待)(?:能|可以|要|多|再|先|更|进一步|继续)*"
    + any_of(
        "(?:听听|听一听|听到?(?!说)|了解|知道|听)(?:一下|更?多)?[^，]{0,6}[你您]",
        "(?:听听|听一听|多听|了解更多|知道更多|听[你您])",
        "[你您](?:能|可以)?(?:再|多|更|详细|具体)*" + any_of(_TELLING, _NAMING),
    )
)
"""A wish to hear something from the listener."""
UNANSWERED = re.compile(
    any_of(
        "(?:我也?|没有?人|谁[也都]|连?我自己也?)(?:真的|都|也)?(?:说不[清准上出]来?|不知道|不清楚|不明白|答不上来?)了?",
        "当然(?:不是|不会|没有|不能)",
    )
)
"""What a speaker says after a question that needs no answer from the listener."""
STANDING = re.compile("(?:如果|若|要是|假如|当|只要)[你您]?(?:还|再|有|需要|想要|遇到|在)|随时|以后|任何时候")
"""A clause that makes what follows a standing offer ("if you need anything, tell me") and no probe now."""
