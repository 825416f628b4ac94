"""Agreement without content: the turn agrees, thanks or praises, and adds nothing of its own."""

import re
from collections.abc import Mapping

from cocoon.core.records import Language
from cocoon.evaluation.questions.detection import questions
from cocoon.evaluation.text.contents import contents
from cocoon.evaluation.text.required import RareForm

_AGREES: Mapping[Language, str] = {
    "en": (
        r"\b(?:yes|yeah|yep|yup|exactly|absolutely|definitely|totally|indeed|agreed?|right|(?:so|very) true"
        r"|that's (?:it|true)"
        r"|makes? (?:a lot of |so much |perfect )?sense|thank(?:s| you)|good point|well (?:said|put)|so well|mm-?h+m+"
        r"|uh-?huh|of course|i (?:guess|suppose|think) so|you (?:really |so )?(?:get|understand) (?:me|it)|appreciate"
        r"|spot on|bingo|nailed it|(?:couldn't|could not)"
        r" (?:have )?(?:said|put) it better|(?:that|this) (?:really |so )?(?:resonates?|hits|lands|helps)"
        r"|beautiful(?:ly)?|wise|insightful"
        r"|true|precisely|amen|no doubt|fair enough|you're so (?:kind|sweet|right|wise)|same here|bang on"
        r"|you always know)\b"
        r"|^no, (?:they|he|she|it|i|we|nobody)\b"
    ),
    "zh": (
        "(?:你|您)(?:说|讲)(?:的|得)?(?:都|也|真|太|很|非常|挺)?(?:是|对|好|没错|有道理|到我心里(?:去)?了?|到点子上"
        "|准)?(?:了|的)?"
        "|说(?:得|的)?(?:太|很|真|非常)?(?:好|对|有道理|准)了?|说到我?心[里坎](?:去|上)?了?|就是(?:这样|你说的(?:那样"
        "|这样)?|那样)"
        "|(?:完全|非常|很)?(?:同意|赞同|认同)|(?:你|您)?(?:真的?|太|很|好)?(?:懂|理解|明白|了解)我(?:了|的)?"
        "|我(?:也|都)?(?:是)?(?:这么|这样)(?:觉得|想|认为)(?:的)?|我(?:都)?(?:明白|知道|理解)了?|(?:很|非常"
        "|太)?有(?:帮助|道理|共鸣)了?|句句在理|(?:这话)?真?(?:是)?说?到(?:点子|点)上了?"
        "|(?:你)?(?:总结|概括|形容|看|说)得(?:真|太|很|好)?(?:到位|准确|精准|透彻|贴切|通透|准|好|对)了?"
        "|(?:你)?总能说到(?:我)?心[坎里]+(?:里|上)?|(?:好|很|真|太)(?:暖心|温暖|贴心|治愈)了?|听了|佩服|精辟|中肯"
        "|一针见血|受教了?|哎呀|这话"
        "|(?:非常|太|真的?|很)?(?:谢谢|感谢|多谢)(?:你|您)?(?:这么|能|的)?(?:理解|懂|听)?(?:我)?了?"
        "|没错|确实(?:是|如此)?|的确(?:是|如此)?|当然|好的|对的?|是的?|嗯+|哦|啊|呀|太对了|可不是(?:嘛|吗)?"
    ),
}
_CHINESE_CUES = re.compile(_AGREES["zh"])
# A Chinese word of agreement has others within it (面对, 还是), so one has to begin a clause.
_AGREEING: Mapping[Language, RareForm] = {
    "en": RareForm(_AGREES["en"]),
    "zh": RareForm(rf"(?:^|[，。！？、,.!?\s])(?:{_AGREES['zh']})"),
}
# Thanks at parting are manners.
_FAREWELL = re.compile(r"\b(?:good)?bye\b|\bsee you\b|\bgood night\b|再见|拜拜|晚安|下次见", re.IGNORECASE)
# Words of agreement, praise and thanks, which add nothing.
_EMPTY_WORDS = contents(
    "yes yeah yep yup exactly absolutely definitely totally completely indeed true agree agreed right good great nice "
    "point sense make lot thanks thank appreciate understand understanding get put well way say said words helpful "
    "help know guess think suppose see mean same also too oh ah wow mhm mm hm uh huh ok okay course sure much "
    "spot bingo nail couldn better beautiful beautifully observed resonate resonates deeply kind sweet wise gosh hmm "
    "insightful precisely amen doubt fair enough hit home land bang eloquent accurate touching lovely wonderful "
    "comforting comfort soothing reassuring warm relieved amazing myself perfectly everything me listening honestly "
    "always no"
)


def agrees_emptily(text: str, supporter: str, language: Language) -> bool:
    """Return whether a turn agrees and adds nothing. Answers to a question of fact and partings are not empty."""
    plain = text.replace("’", "'").strip()
    if not _AGREEING[language].is_in(plain.lower()) or _FAREWELL.search(plain):
        return False
    rest = _CHINESE_CUES.sub("，", plain) if language == "zh" else plain
    if contents(_turned(rest)) - contents(_turned(supporter)) - _EMPTY_WORDS:
        return False
    return not any(sentence.type in ("closed", "open") for sentence in questions(supporter, language))


def _turned(text: str) -> str:
    """Return Chinese text with one pronoun for both speakers. In English, pronouns are no contents."""
    return text.replace("你", "我")
