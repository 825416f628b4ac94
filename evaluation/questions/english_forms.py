"""The forms of English questions, and what makes them no question, as patterns over one lower-case clause."""

import re

from cocoon.evaluation.questions.sentences import any_of

AUX = any_of(
    "am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must|cannot|ain't",
    "(?:is|are|was|were|do|does|did|have|has|had|ca|could|wo|would|should|must)n't",
)
PRONOUN = any_of("i|you|u|he|she|it|we|they|there|this|that|these|those|y'all")
SUBJECT = any_of(
    PRONOUN,
    "(?:any|some|every)(?:one|body|thing)|nobody|nothing|people|things|everybody|one|“”",
    "the|your|his|her|their|our|my|its|any|some|all|both|each|most|part|another|a|an",
)
PERSON = any_of("i|you|u|he|she|it|we|they|your", "(?:any|some|every)(?:one|body)")
WH = any_of("what|how|why|when|where|who|whom|whose|which")
BEFORE_WH = "(?:(?:in|for|to|at|from|with|by|of|on|about|since|until|under) )?"
PHRASE = rf"(?:(?!{PRONOUN}\b|{AUX}\b|that\b|if\b)[\w'-]+ ){{0,7}}?"
"""Words of a question phrase before its auxiliary ("what kind of support would"): no subject among them."""
VERB = any_of(
    r"happen\w*|mak(?:es|ing)|made|brings?|brought|ke?eps?|kept|helps?|helped|chang\w+|led|told|said|gave|hurts?",
    "sounds?|seems?|looks?",
    r"comes?|came|gets?|got|goes|went|worri\w+|scares?|bothers?|stands?|stops?|causes?|caused|triggers?|triggered",
    r"knows?|works?|worked|matters?|drew|draws|holds?|feels?|gives?|tells?|taught|leads?|took|takes",
)
INVERTED = re.compile(rf"{AUX} (?:not )?{SUBJECT}\b")
WH_INVERTED = re.compile(
    rf"{BEFORE_WH}{WH} " + any_of(rf"(?:else |exactly |then |really )?{AUX} {SUBJECT}\b", rf"{PHRASE}{AUX} {PERSON}\b")
)
WH_CONTRACTED = re.compile(rf"{WH}(?:'s|s|'re|'d|'ve|'ll)\b(?! (?:more|done)\b)")
VERB_AS_NOUN = rf"(?! (?!(?:part|kind|thing|sort|type|step|way|feeling|thought|word|change)s)\w+(?:s|ed) {AUX})"
WH_SUBJECT = re.compile(
    any_of(
        rf"what\b(?! an?\b){VERB_AS_NOUN}",
        r"who\b",
        r"which (?!(?:is|was|were|are|means|makes|made|has|had|would)\b)",
        "whose",
    )
    + rf" ?(?:else |exactly |really )?{PHRASE}{any_of(AUX, VERB)}\b(?P<rest>.*)"
)
FINITE = re.compile(
    any_of(
        r"(?<!\byou )(?<!\bthey )(?<!\bwe )\b(?:are|were)\b",
        r"(?<!\bhe )(?<!\bshe )(?<!\bit )(?<!\bthat )(?<!\bthere )\b(?:is|was)\b",
        r"\b(?:isn't|wasn't|makes sense|means|meant|matters|mattered|will be|would be|can be|took|came)\b",
        r"\b(?:surprised|remains)\b",
    )
)
"""A second finite verb: the question word then opens a noun clause ("what hurts most is the silence")."""
WH_PHRASE = re.compile(
    any_of(
        r"(?:how|what) about\b|what if\b|how come\b|why not\b|what for\b|how so\b|such as$|like what$",
        r"(?:in|for|to|at|since|from|by|with|on|of|about) (?:what|whom|which|how)(?! (?:i|you|we|they|he|she|it)\b)"
        r" ?\w*(?: \w+)?$",
        r"how (?:often|long|many|much|old|far|soon)(?: (?!as\b|of\b)\w+)?$",
        rf"{WH}(?: else| now| then| exactly| so| one| ones| though)?$",
        r"any (?:idea|thoughts?|clue)\b|(?:and|but) (?:you|him|her|them|your \w+|then|now|yours)$",
    )
)
ELLIPTIC = re.compile(
    any_of(
        r"any(?:thing|one|body)?(?: \w+){1,4}$|got any\b",
        r"(?:have )?ever (?:thought|tried|felt|wondered|considered)\b|mind if\b|care to\b",
        r"feeling (?:any )?(?:better|worse|okay|ok|alright|up to)\b|ready$|ready (?:to|for)\b",
        r"want to (?:talk|tell|share|try)\b|wanna (?:talk|tell|share)\b|sounds? (?:good|okay|fair)$",
        r"you (?:doing |feeling )?(?:ok|okay|alright|there)$",
    )
)
INDIRECT = re.compile(
    r"(?:i guess )?(?:i|we)?(?:'m| am| was|'ve been)?(?: just| also| really| still| kind of| sort of)* ?"
    + any_of(
        "wonder(?:ing)?|curious|want(?:ed)? to (?:ask|know|understand)",
        "(?:'d|would) (?:really |also )?(?:like|love) to (?:know|understand|ask)",
    )
    + rf"\b(?: you)?(?: about| to see| to know)? (?:if|whether|{WH})\b.*\b(?:you|your|yours)\b"
)
REQUEST = any_of(
    "(?:can|could|would|will|may|might) you|why don't you|(?:can|could|may|might) (?:i|we)(?= (?:\\w+ )?(?:ask|know))",
    "would it be (?:ok|okay|all right)(?! if i\\b)|are you (?:able|willing)|if you (?:can|could|would)|do you mind",
)
TELL = re.compile(
    rf"^{REQUEST}(?: \w+){{0,5}}? "
    + any_of(
        r"tell(?:ing)? me|shar(?:e|ing)(?! (?:it )?with (?:him|her|them))|describ(?:e|ing)|explain(?:ing)?",
        r"elaborat\w+|fill(?:ing)? me in|say(?:ing)? (?:\w+ ){0,3}more|help me understand",
        r"talk (?:\w+ )?(?:more )?about (?:it|that|what)|repeat",
        r"walk me through|expand|(?:ask|know) (?:what|how|why)",
        r"give me (?:some |any |an )?(?:advice|examples?|suggestions?)",
    )
    + r"\b"
)
WANT_TO_TELL = re.compile(r"^(?:do|would) you (?:want|like) to (?:talk|tell|share|say)\b")
NARROW = re.compile(
    BEFORE_WH
    + any_of(
        "when|where|who|whom|whose|how (?:long|old|often|many|much|far)|what (?:time|day|year|age)",
        r"which (?!\w+(?<!s)s\b(?: of)?)",
    )
    + r"\b"
)
WIDE = re.compile(
    "^"
    + any_of(
        r"where (?:\w+ ){1,4}(?:start|begin|go from|leave|think|feel|see|stand|sit|fit|take)\b",
        r"who (?:else|can|could|might)|can you think of",
        r"(?:is there |are there |do you have |have you got |and |or )*"
        r"any(?:thing|body|one|where)?-?(?: ?any\w*)? (?:else|other)",
        r"(?:have|had) you (?:ever |\w+ )?(?:thought|considered|given)",
        r"(?:have you )?given \w+ (?:more )?thought",
    )
    + r"\b"
)
"""Closed by form, yet experts call them open, because they leave the answer to the listener."""
ENDS_OPEN = re.compile(r" or$|(?:like|be|is|are|was|were|you|do|doing|feel|say|mean) (?:what|how|why)$")
TAG = re.compile(
    any_of(
        rf"{AUX} (?:{PRONOUN}|everyone)|(?:is|isn't) that (?:right|so|correct|it)|am i right",
        "don't you think|wouldn't you (?:say|agree)|do you think|you know what i mean",
    )
)
WORD_TAG = re.compile("right|correct|ok(?:ay)?|alright|huh|eh|true|yeah")
"""Words that ask for a confirmation with a question mark or no mark at all, and that agree before a full stop."""
ANSWERS = frozenset(("right", "okay", "ok", "alright", "true", "yeah"))
"""Tags that answer when nothing but small words stands before them ("yes, right")."""
TAG_WITH_MARK = re.compile("yes|no|you know|hm+|really|fair")
TAIL_TAG = re.compile(
    " "
    + any_of(
        f"(?:is|are|was|were|do|does|did|have|has|had|ca|could|wo|would|should)n't {PRONOUN}",
        "don't you think|right",
    )
    + "$"
)
CONDITIONAL = re.compile(rf"(?:should|were|had) {SUBJECT}\b")
SUBJECT_NOUN = any_of(
    "parents|friends|kids|children|family|people|others|boss|mother|father|mom|dad|mum|husband|wife|partner",
    "brother|sister|doctor|two|one|of|you|thing|sound|feel|make|help|seem|mean|bring|ring|change",
)
IMPERATIVE = re.compile(
    any_of(
        r"(?:do|have|did(?= my best\b)) (?:your|my|his|her|the|one|an?|some|any|another|all|both|most|part|th\w+)\b"
        rf"(?! {SUBJECT_NOUN}\b)",
        r"don't you (?:worry|dare|forget|ever)\b|may (?!i\b|we\b)",
    )
)
COMPLEMENT = re.compile(rf"(?:is|was) that (?:{PRONOUN}|the|your|his|her|their|our|my|no ?one|nobody|some\w+)\b")
"""The rest of a statement that a parenthesis cut ("what you hope for, I think, is that she stays")."""
PARENTHESIS = re.compile("however|though|then|therefore|of course|in fact|for (?:me|example|instance)|i think|too")
REPORT = re.compile(
    any_of("he|she|they|i|we|everyone|people|mom|dad")
    + " (?:kept |always |just |would )?"
    + any_of(r"sa(?:id|y|ys|ying)|ask\w*|repeat\w*|shout\w*|think\w*|thought")
    + r"\b"
)
SELF_ANSWER = re.compile(r"(?:yes|no|of course|absolutely|never)\b")
EMBEDDING = re.compile(
    r"\b"
    + any_of(
        "know|knew|tell|told|sure|idea|understand|see|asks?|asked|asking|remember|wonder(?:ed|ing)?|explain",
        "figure|decide|learn|realize|matter",
    )
    + r"\b"
)
MID = re.compile(rf"\b(?P<question>(?:what|how|why|when|where) (?:\w+ )?{AUX} (?:you|he|she|they|we|i|it|your)\b.*)")
COORDINATED = re.compile(
    rf"\b(?:and|but|so) (?P<question>(?:what|how|why|when|where)"
    rf"(?: {AUX} |(?P<short>'s|'re|'d|'ve) ){PRONOUN}\b(?!.*\b(?:is|was|means|matters)\b).*)"
)
"""A question joined to a statement ("I know you went there and how did that go"), whatever embeds what is before."""
RHETORICAL = re.compile(
    any_of(
        r"(?:who|what \w+) (?:wouldn't|doesn't|hasn't|isn't|could blame|can blame)\b",
        r"who (?:knows|cares|needs|knew|asked you|am i (?:kidding|to|fooling)|are you (?:kidding|to))\b",
        r"why (?:bother|even|should i (?:be|have to|always|care))\b|what(?:'s|s| is) the (?:point|use|harm)\b",
        r"what (?:good|difference|use) (?:does|do|would|is|will)\b",
        r"what else (?:could|can|was|am) (?:you|i|we|anyone|one)\b(?! (?:do\b.*\bto|tell|say|share|think)\b)",
        r"how (?:could|can) (?:any(?:one|body)|i (?:ever|not|possibly)|you (?:ever|not)|we not)\b|how dare\b",
        r"isn't (?:that|it|this) (?:what\b|just\b|strange how|funny how|always|the whole)|since when\b",
        r"(?:doesn't|don't|aren't|haven't|isn't|hasn't) (?:every(?:one|body)|we all|they all|anyone who)\b",
        r"what (?:kind|sort) of (?:mother|father|parent|mom|dad|friend|husband|wife|person|man|woman|people)"
        r" (?:does|would|do|says|leaves|forgets)\b",
        r"does (?:it|that|any of (?:it|this)) even\b|what did i (?:expect|do to deserve)\b",
        r"how was i supposed to know\b|can you (?:blame|believe)\b|are you kidding\b|what was i thinking\b",
        r"what do i know\b|is it any wonder\b",
    )
)
FILLER = re.compile(
    any_of(
        "so|and|but|well|then|okay|ok|oh|ah|now|also|hmm+|hm|um+|hey|hi|hello|yes|yeah|no|honestly|actually|or",
        "because|first|sorry|please|anyway|still|maybe|perhaps|though|just|right|sure|great|i see|thanks|thank you",
        "mm+-?hm+|mhm|uh-?huh|all right",
    ).join((r"(?:", r"\b[ ,]*)+"))
)
CLAUSE_END = re.compile(r"[,;:?!()]|\.(?=\s)| [-–—]+ |--+|—|\.{2,}|…")
EDGES = " .*\"'-_~”"
NOISE = re.compile(r"\[[^\]]*\]|(?<![\w'])(?:u+m+|u+h+|er+m?)(?![\w'-])[,.]? ?")
"""Remarks of a transcriber, and sounds of hesitation."""
STUTTER = re.compile(r"(?<![\w'])((?:[\w']+ ){0,2}[\w']+)(?:-+ ?|, )(?=\1(?![\w])| ?$)")
FALSE_START = re.compile(r"(?:(?<=^)|(?<=[.,] ))-? ?(?:[\w']+ ){0,2}[\w']+-+(?= |$)")
"""Up to three words that a dash breaks off ("Is it-- Why did she leave")."""
OPENING = (TELL, WANT_TO_TELL, WIDE, ENDS_OPEN)
"""What makes a question open that has the form of a closed one."""
