"""Facts outside the profile: persons, names, places and figures that neither the profile nor the talk has named."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from cocoon.core.records import Language
from cocoon.evaluation.text.required import RareForm

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_SMALL = {word: number for number, word in enumerate([*_ONES.split(), "eighteen", "nineteen"])}
_TENS = {
    word: 20 + 10 * index
    for index, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
}
_SCALES = {"hundred": 100, "thousand": 1000}
_NUMBER_WORDS = frozenset((*_SMALL, *_TENS, *_SCALES)) - {"zero", "one"}
_NUMBER_WORD = "|".join((*_SMALL, *_TENS, *_SCALES))
_LATIN_WORD = re.compile("[a-z]+")
_SPELLED = re.compile(
    rf"\b((?:{_NUMBER_WORD})(?:[- ](?:and )?(?:{_NUMBER_WORD}))*)[- ](?=(?:year|month|week|day|hour|minute|night|mile"
    rf"|kilo|metre"
    r"|meter|euro|dollar|pound|kid|child|brother|sister|son|daughter|people|percent|per cent|thousand|days?)\w*)"
    rf"|\b((?:{_NUMBER_WORD})[- ](?:hundred|thousand)(?:[- ](?:and )?(?:{_NUMBER_WORD}))*)\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+(?:[.:,]\d+)*")
_HAN_DIGIT = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_HAN_SCALE = {"十": 10, "百": 100, "千": 1000, "万": 10000}
_HAN_NUMBER = re.compile(
    "(?<![第过这那前后头万几数])(?:([一二两三四五六七八九十百千万]+)(?=[个年月天岁次块元层路号点周斤公口名位套间家只条成倍日里度]|小时|分钟)"
    "|([一二两三四五六七八九][十百千万][一二两三四五六七八九十百千万]*))"
)
_HAN_IDIOM = re.compile(
    "两个人|三天两头|七上八下|万一|千万|一天到晚|三言两语|四处|百分之|(?:八百|[一几][百千万]|千百|百八十)(?:种|遍|次|回|个(?=理由|借口|不))"
)
_IDIOM = re.compile(
    r"\b(?:a|few|several) (?:hundred|thousand)(?= (?:years?|miles?|times|hours|per ?cent|things)\b)", re.IGNORECASE
)
_PERSONS: Mapping[str, tuple[str, str]] = {
    "mother": ("mother(?!-in)|mum|mom|mummy|mama|ma", "妈妈|母亲|(?<!爸)我妈|老妈|(?<![大姑板新厨婆师])娘(?!家|子)"),
    "father": ("father(?!-in)|dad|daddy|papa|pa", "爸爸|父亲|我爸(?!妈)|老爸|爹"),
    "brother": ("brother(?!-in)", "(?<![表堂])(?:哥哥|弟弟)|我[大二三小]?[哥弟](?![们哥弟])"),
    "sister": ("sister(?!-in)", "(?<![表堂])(?:姐姐|妹妹)|我[大二三小]?[姐妹](?![们夫姐妹])"),
    "wife": ("wife", "妻子|老婆|媳妇"),
    "husband": ("husband", "丈夫|老公"),
    "girlfriend": ("girlfriend", "女朋友|女友"),
    "boyfriend": ("boyfriend", "男朋友|男友"),
    "partner": ("partner|fianc[ée]e?", "未婚妻|未婚夫"),
    "ex": ("ex(?:-\\w+)?", "前任|前妻|前夫|前女友|前男友"),
    "son": ("son", "儿子"),
    "daughter": ("daughter", "女儿"),
    "child": ("child|children|kids?|baby|twins", "孩子|宝宝"),
    "grandmother": ("grandmother|grandma|gran|granny|nana", "奶奶|外婆|姥姥"),
    "grandfather": ("grandfather|grandpa|grandad", "爷爷|外公|姥爷"),
    "aunt": ("aunt|auntie", "姑姑|姨妈|舅妈|婶婶|姑妈"),
    "uncle": ("uncle", "舅舅|叔叔|伯伯|姑父|姨父"),
    "cousin": ("cousin", "表哥|表姐|表弟|表妹|堂哥|堂姐|堂弟|堂妹"),
    "niece": ("niece|nephew", "侄子|侄女|外甥"),
    "parent-in-law": (
        "(?:mother|father|parents|sister|brother)-in-law|in-laws",
        "婆婆|公公|岳父|岳母|丈母娘|小姑子|小叔子|嫂子|姐夫|妹夫|弟媳",
    ),
    "boss": ("boss|manager|supervisor", "老板|领导|经理|上司|主管"),
    "colleague": ("colleague|co-?worker", "同事"),
    "friend": ("best friend", "闺蜜|发小|好友"),
    "roommate": ("roommate|flatmate", "室友"),
    "neighbour": ("neighbou?r|(?:boy|girl|woman|man) next door", "邻居"),
    "fellow student": ("classmate", "师兄|师姐|师弟|师妹|学长|学姐|学弟|学妹|同桌"),
    "teacher": ("teacher|professor|tutor|adviser|advisor|mentor", "老师|教授|导师"),
    "landlord": ("landlord|landlady", "房东"),
    "doctor": ("doctor|gp|surgeon", "医生|大夫"),
    "therapist": ("therapist|counsellor|counselor|psychologist", "咨询师|心理医生"),
    "dog": ("dog", "狗狗?(?!一样|屁|血|腿)"),
    "cat": ("cat", "猫(?!腻)"),
}
# Whoever speaks of the first has been told of by words for the second.
_IMPLIED: Mapping[str, str] = {
    "mother": r"\bparents?\b|\bfolks\b|父母|爸妈|双亲",
    "father": r"\bparents?\b|\bfolks\b|父母|爸妈|双亲",
    "child": r"\b(?:sons?|daughters?|mother of|father of)\b|儿子|女儿|闺女|娃",
    "son": r"\b(?:child|children|kids?|baby)\b|孩子|宝宝|娃",
    "daughter": r"\b(?:child|children|kids?|baby)\b|孩子|宝宝|娃",
    "brother": r"\bsiblings?\b|兄弟|姐弟|[大二三小表堂][哥弟]",
    "sister": r"\bsiblings?\b|姐妹|兄妹|姐弟|[大二三小表堂][姐妹]",
    "wife": r"\b(?:married|marriage|spouse|partner)\b|爱人|太太",
    "husband": r"\b(?:married|marriage|spouse|partner)\b|爱人|先生",
    "girlfriend": r"\b(?:partner|fianc[ée]e?)\b|对象|恋人",
    "boyfriend": r"\b(?:partner|fianc[ée]e?)\b|对象|恋人",
    "partner": r"\b(?:wife|husband|spouse|girlfriend|boyfriend)\b",
    "grandmother": r"\bgrandparents?\b|爷爷奶奶|外公外婆|老人",
    "grandfather": r"\bgrandparents?\b|爷爷奶奶|外公外婆|老人",
}
_OWNED = r"\b(?:my|our|his|her|their|the) (?:\w+ )??"
_PERSON: Mapping[Language, re.Pattern[str]] = {
    "en": re.compile(rf"{_OWNED}({'|'.join(english for english, _ in _PERSONS.values())})\b", re.IGNORECASE),
    "zh": re.compile(f"({'|'.join(chinese for _, chinese in _PERSONS.values())})"),
}
_SAME_PERSON = {name: re.compile(rf"\b(?:{english})s?\b|{chinese}") for name, (english, chinese) in _PERSONS.items()}
_NAME = re.compile(r"(?<=[a-z0-9,;] )[A-Z][a-z]{2,}(?!'m\b)")
_CALENDAR = frozenset(
    [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Christmas",
        "Easter",
        "God",
        "English",
        "Mum",
        "Mom",
        "Dad",
        "Mother",
        "Father",
    ]
)
_HAN_NAME = re.compile(
    "姓([\\u4e00-\\u9fff]{1,2})(?=[，。,.的]|$)|(?:[他她它名就]"
    "|，)叫(?![我你他她人])([\\u4e00-\\u9fff]{2,3})(?=[，。,.]|$)"
    "|((?:小"
    "|阿)[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹章苏潘葛范彭郎鲁马方任袁柳鲍史唐薛雷贺倪汤罗毕郝安常傅齐康伍余元顾孟黄穆萧尹姚邵汪毛狄米戴宋庞熊纪舒屈项祝董梁杜阮蓝闵季贾路江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍虞万柯管卢莫房裘缪解应宗丁宣邓郁单杭洪包左石崔吉龚程嵇邢裴陆荣翁荀羊惠甄曲封储靳段焦巴谷车侯宓蓬全班仰秋仲伊宫刘])"
    "|(?:经理|老师|医生|同学|同事|老板|主任|教授"
    "|师傅)([王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕][\\u4e00-\\u9fff])"
)
_HAN_PLACE = re.compile(
    "(?<=去了趟)[\\u4e00-\\u9fff]{2,4}(?=[，。])|[\\u4e00-\\u9fff]{2}(?:市|县城|镇上)|北京|上海|广州|深圳|天津|重庆"
    "|成都|杭州|南京|武汉|西安|苏州|长沙|郑州|青岛|大连|厦门|沈阳|济南|合肥|福州|昆明"
    "|哈尔滨|南昌|贵阳|南宁|太原|石家庄|兰州|海口"
    "|香港|台北|四川|湖南|湖北|广东|广西|河南|河北|山东|山西|江苏|浙江|福建|云南|贵州|陕西|甘肃|东北|新疆|西藏|美国"
    "|英国|日本|德国|法国|加拿大|澳大利亚|澳洲"
)


def foreign_facts(text: str, known: str, language: Language) -> list[str]:
    """Return what a turn names that the known text has not: figures, names and places, persons. Each once, in order."""
    figures = list(_figures(text))
    known_figures = {value for value, _ in _figures(known)} if figures else set()
    outside = {figure for value, figure in figures if value not in known_figures}
    names, persons = list(_names(text, language)), [match[1] for match in _PERSON[language].finditer(text)]
    if names or persons:
        lowered = known.lower()
        outside |= {name for name in names if name.lower() not in lowered}
        outside |= {person for person in persons if not _is_named(person.lower(), lowered)}
    return sorted(outside)


def _is_named(person: str, text: str) -> bool:
    """Return whether a text names a person, in any of the words for them (`dad` for `father`), in lower case."""
    # The same word is found soonest.
    start = text.find(person)
    if start >= 0 and any(_SAME_PERSON[name].match(text, start) for name in _names_of(person)):
        return True
    return any(words.is_in(text) for name in _names_of(person) for words in _words_for(name))


@cache
def _names_of(person: str) -> list[str]:
    """Return the persons that a word may stand for."""
    return [name for name, words in _SAME_PERSON.items() if words.fullmatch(person)]


@cache
def _words_for(name: str) -> list[RareForm]:
    """Return what a person is called, and what tells of them without a name."""
    return [RareForm(words) for words in (_SAME_PERSON[name].pattern, _IMPLIED.get(name)) if words]


def _figures(text: str) -> Iterator[tuple[float, str]]:
    """Yield the figures of a text, each with the words it stands in. One of something is no figure."""
    for match in _DIGITS.finditer(text):
        yield _of_digits(match.group()), match.group()
    # Most turns have no such words, and the search for them is slow.
    has_words = not _NUMBER_WORDS.isdisjoint(_LATIN_WORD.findall(text.lower()))
    spelled = _SPELLED.finditer(_IDIOM.sub(",", text)) if has_words else ()
    for match in spelled:
        if (number := _of_words(words := match[1] or match[2])) > 1:
            yield number, words
    for match in () if text.isascii() else _HAN_NUMBER.finditer(_HAN_IDIOM.sub("，", text)):
        if (number := _of_han(figure := match[1] or match[2])) > 1:
            yield number, figure


def _of_digits(text: str) -> float:
    plain = text.replace(",", "").replace(":", ".")
    return float(plain) if plain.count(".") < 2 else float(plain.replace(".", ""))


def _of_words(text: str) -> float:
    total = part = 0
    for word in re.split(r"[- ]+", text.lower()):
        if word in _SCALES:
            part = max(part, 1) * _SCALES[word]
            if _SCALES[word] >= 1000:
                total, part = total + part, 0
        else:
            part += _SMALL.get(word, 0) + _TENS.get(word, 0)
    return total + part


def _of_han(text: str) -> float:
    total = section = digit = last_scale = 0
    for character in text:
        if character in _HAN_DIGIT:
            digit = _HAN_DIGIT[character]
            continue
        last_scale = _HAN_SCALE[character]
        if last_scale == 10000:
            total, section, digit = (total + section + digit) * 10000, 0, 0
        else:
            section, digit = section + max(digit, 1) * last_scale, 0
    # 一万二 is twelve thousand, 七千四 seven thousand four hundred.
    short = digit * last_scale // 10 if last_scale > 10 and text[-2:-1] in _HAN_SCALE else digit
    return total + section + short


def _names(text: str, language: Language) -> Iterator[str]:
    if language == "en":
        yield from (name for name in _NAME.findall(text) if name not in _CALENDAR)
        return
    for match in _HAN_NAME.finditer(text):
        yield next(filter(None, match.groups()))
    yield from _HAN_PLACE.findall(text)
