"""English forms of what is not said to the supporter: talk of the part that is played, and thoughts in brackets.

Each form is searched in lower case, and only where one of its required words is.
"""

_PLAYED = "user|client|seeker|help[- ]seeker|patient|character|persona|speaker"
_NUMBER = r"(?:one|two|three|four|five|six|seven|eight|\d+)"
_ORDINAL = "(?:first|second|third|fourth|fifth|next|last|final)"
_STATE = "mood|trust|emotions?|openness|resistance|distress|sadness|anger|anxiety|shame|guard|guardedness|hope|tension"
_SHOWS = (
    "raise|lower|increase|decrease|heighten|escalate|intensify|show|express|display|convey|introduce|reveal|disclose"
    "|portray|build(?: up)?|soften|ramp up|dial (?:up|down)|tone down|work in|slip in|weave in|hint at|drop"
)
_SHOWN = (
    "emotional|emotion|intensity|resistance|vulnerability|ambivalence|reluctance|hesitation|hesitancy|frustration"
    "|defensiveness|despair|irritation|distrust|mistrust|scepticism|skepticism|disclosure|stakes|hints?|clues?"
    "|(?:first|second|third|next) (?:memory|layer|detail|fact|clue)|backstory"
)
_ELICITS = (
    "asks?|push(?:es)?|probes?|digs?|insists?|notices?|begs?|worr(?:y|ies)|comforts?|reassures?|backs? off"
    "|shows? (?:empathy|warmth)|gives? up|(?:has|have) to ask"
)

ANYWHERE = (
    r"\bkeep (?:my |the )?(?:answers?|repl(?:y|ies)|responses?) (?:short|brief|under|to)",
    r"\btrust (?:went|goes|has gone) (?:up|down)",
    # Talk of the role that is played.
    r"\b(?:as|being|playing|act(?:ing)? as) (?:the|a|an) (?:simulated )?(?:user|client|character|seeker|patient"
    r"|persona)\b",
    r"\b(?:simulated user|in character|(?:role|character) (?:sheet|description)|language model|system prompt"
    r"|role-?play)\b",
    r"\baccording to (?:my|the) (?:profile|prompt|persona|instructions?|character)\b",
    r"\b(?:my|the) (?:profile|prompt|persona|instructions?|scenario) (?:says?|tells?|asks?|wants?|requires?|states?)\b",
    # What a disclosure rule is made of.
    r"\btrust (?:is|level|score|value)\b.{0,20}\b(?:low|high|rising|\d)",
    r"\b(?:(?:surface|hidden|underlying) need|my (?:true|real|deeper) need)\b",
    r"\bi (?:should|must|will|need to|have to|won't|shouldn't|mustn't) (?:not |only |never )?(?:reveal|disclose|deflect"
    r"|withhold|hold back|stay guarded|mention (?:the|my) (?:real|true|need))",
    r"\bhere(?:'s| is) (?:a|the|my|one) (?:\w+ ){0,3}(?:reply|response|answer|message|line)\b",
    r"\bthe (?:supporter|seeker|simulated|interlocutor)\b",
    r"\b(?:layer|node) (?:one|two|three|four|\d)\b",
    r"\b(?:layer|node|need|memory|chain)\b.{0,20}\b(?:un)?lock(?:ed|s)?\b",
    r"\b(?:stay|remain|keep it) (?:guarded|vague)\b",
    r"\bdeflect\b",
    r"\b(?:before|until|after|by) (?:round|turn) (?:one|two|three|four|five|six|\d+)\b",
    # A part that is played.
    r"\b(?:i'll|i will|i'm going to|i am going to|i can|let me|i shall|i'd be happy to|i am to) (?:now |gladly "
    r"|only |just )?(?:play(?:ing)?|act(?:ing)?|portray(?:ing)?"
    r"|simulat(?:e|ing)|tak(?:e|ing) on|assum(?:e|ing)|speak(?:ing)?|respond(?:ing)?|answer(?:ing)?|reply(?:ing)?"
    r"|writ(?:e|ing)) (?:as|the (?:role|part|character|voice|perspective|persona)|out) ?(?:of |from )?(?:an?|the|this"
    r"|someone|somebody)\b",
    rf"\bi(?:'m| am)? (?:play|playing|simulate|simulating|portray|portraying|voice|voicing) (?:the|an?) (?:\w+ )?"
    rf"(?:{_PLAYED})\b",
    r"\bmy (?:character|persona) (?:would|wouldn't|should|shouldn't|might|is supposed|is meant|needs to|has to|hasn't"
    r"|doesn't|does not|wants|feels|thinks|isn't|is (?:not )?(?:ready|likely|still|too|wary|guarded|afraid))\b",
    r"\b(?:the|this) (?:character|persona) (?:would|wouldn't|should|shouldn't|might)(?: probably| likely| never"
    r"| rather| not)*"
    r" (?:admit|say|answer|respond|react|tell|show|be|hide|reveal|trust|feel|deny|refuse)\b",
    rf"\bas (?:this|my|the|your) (?:assigned |given |fictional |simulated )?(?:{_PLAYED}),",
    r"\bspeaking as (?:the|a|an|this|my) (?:persona|character|client|seeker|user|patient)\b",
    r"\b(?:stay|staying|stays|remain|remaining|keep|keeping|be|get|getting|back) in (?:role|character|persona)\b"
    r"|\b(?:break|breaking|breaks|broke) (?:the )?(?:character|fourth wall)\b",
    r"\booc\b|(?:^|[(\[*.!?]\s*)(?:stepping |going |briefly )?out of (?:character|role)\s*[:,]",
    r"\b(?:the|this) (?:persona|character) (?:you|i was|i am|i'm|that was|description|sheet|card|profile|brief)\b"
    r"|\bpersona(?:'s)? (?:you|profile|brief|card|sheet|requires?|says?)\b",
    r"\bin this (?:simulation|role-?play|simulated \w+)\b|\bsimulated (?:conversation"
    r"|dialogue|session|patient|client)\b",
    r"\bi(?:'m| am) (?:just |only |here |now |still )?playing (?:the part of )?an? (?:\w+,? ){0,3}(?:teen\w*|student"
    r"|woman"
    r"|man|mother|father|mum|mom|dad|widow(?:er)?|veteran|person|someone|somebody|girl|boy|nurse|teacher|worker|lawyer"
    r"|doctor|user|employee|retiree|parent|guy)\b",
    r"\bsimulat(?:e|es|ing|ed) (?:a |an |the |this |some |someone|somebody)?(?:\w+ ){0,2}(?:person|human|emotions?"
    r"|feelings?"
    r"|distress|client|patient|individual|character|conversation|user|seeker|someone|somebody|with)\b",
    r"\b(?:in line with|true to|consistent with|in keeping with|faithful to|according to|fitting|befitting) (?:my"
    r"|the|this)"
    r" (?:assigned |given )?(?:role|character|persona|profile|part|script)\b",
    r"\b(?:understood|got it|sure|certainly|of course|okay|ok|alright|very well)[.,!] (?:i'll|i will|let me|let's"
    r"|let us"
    r"|i shall) (?:now )?(?:begin|start|continue|proceed|respond|reply|answer|stay|get) (?:the|as|in|with the|into"
    r"|this|our)"
    r" (?:role\w*|character|conversation|dialogue|session|simulation|scene|part|client|user|seeker|patient)\b",
    # Another machine's way to speak of itself.
    r"\bas an? (?:\w+ ){0,2}(?:ai|chatbot|virtual assistant|artificial intelligence)\b(?! (?:engineer"
    r"|researcher|developer|student|trainer|artist|consultant|person|guy|team|specialist))",
    r"\bi(?:'m| am) (?:just |only |merely |actually )?an? (?:ai|artificial intelligence|ai model|chatbot|virtual"
    r" assistant|language model)\b(?! (?:engineer|researcher|developer|student|trainer|artist|consultant|person|guy"
    r"|specialist))",
    r"\bi (?:can't|cannot|am unable to|won't) (?:generate|produce|create|provide) (?:\w+ ){0,2}(?:content|text|dialogue"
    r"|response|material)\b",
    r"\bi (?:don't|do not) have (?:any )?(?:personal|human) (?:experiences?|feelings|emotions|memories)\b"
    r"|\bi(?:'m| am) not (?:a real|an actual) (?:person|human|client|patient|user)\b",
    # What the part was given as: a prompt, a sheet, a scenario.
    r"\bas (?:instructed|prompted|directed|per (?:the|my|your) (?:instructions?|prompt|profile|persona|brief|script"
    r"|scenario|guidelines?))\b[^.!?]{0,10}\bi (?:will|'ll|should|must|am|shall|remain|keep|won't|stay|have to|need)\b",
    r"\bper (?:the|my) (?:prompt|profile|persona|scenario)\b",
    r"\b(?:background|character|persona|profile|role) (?:sheet|card|file|notes?|info(?:rmation)?"
    r"|description|summary|brief)\b.{0,20}\b(?:says?|lists?|mentions?|states?|has no|have no|doesn't|does not|gives?"
    r"|tells|specif\w+|includes?)\b",
    r"\b(?:my|the) (?:backstory|back story|character description|brief|system message|case vignette|vignette)\b.{0,15}"
    r"\b(?:says?|lists?|mentions?|states?|has no|have no|doesn't|does not|gives?|tells|specif\w+|includes?)\b",
    r"\b(?:in|from|of|with|by|fits?|match(?:es)?|within) (?:my|the) (?:character description|backstory"
    r"|persona|system prompt|prompt|scenario|role description|profile i was given)\b",
    r"\b(?:isn't|is not|not|none is|nothing is|none|nothing|never) (?:\w+ )?in (?:my|the)"
    r" (?:profile|prompt|description|scenario|brief|sheet)\b",
    r"\b(?:the |my )(?:instructions?|prompt|scenario|brief) (?:say|said|tell|want|ask|require"
    r"|forbid|forbids|specif(?:y|ies)|instructs?)(?: that| me|s)? (?:to|i|not|me|that|we)\b",
    r"\b(?:supposed|meant|instructed|required|asked|told|expected"
    r"|designed) (?:not )?to (?:\w+ )?(?:express (?:frustration|sadness|resistance|doubts?|anger"
    r"|hesitation|reluctance|ambivalence)|portray|convey|withhold"
    r"|resist|warm up|hesitate|deflect|embody|simulate|sound (?:hesitant|sad|guarded|doubtful|vague|angry|natural)"
    r"|(?:remain|stay|be|act|appear|seem) (?:hesitant|guarded|vague|resistant|evasive|sceptical|skeptical|reluctant"
    r"|withdrawn|defensive|in (?:role|character)|ambivalent)"
    r"|(?:not |never )?(?:reveal|disclose)|open up (?:gradually|slowly|only|step by step|bit by bit|a (?:little"
    r"|bit)))\b",
    r"\bi(?:'ll| will| should| must| shall|'m going to| need to| have to|'d better| am to) (?:now |still |first |then "
    r"|therefore |just |only )?(?:remain|stay|sound|act|be|keep|appear|seem) (?:a (?:bit|little) )?(?:hesitant|guarded"
    r"|vague|resistant|evasive|sceptical|skeptical|reluctant|ambivalent|in (?:role|character)|non-?committal|terse"
    r"|defensive)\b",
    r"\b(?:my|the) (?:profile|prompt|persona|scenario|character|role) (?:doesn't|does not|didn't|did not|never|has no"
    r"|leaves?|only|also|just)(?: \w+)? (?:specif\w+|says?|mentions?|gives?|tells?|states?|includes?|lists?|names?"
    r"|covers?|defines?|open|information|details?|name|age|job)\b",
    r"\bi(?:'ll| will| can| have to| must| need to) (?:just )?(?:make|invent|improvise) (?:one|something|that|this"
    r"|it|a name"
    r"|a detail|an? \w+|the rest) ?(?:up)? ?(?::|$|for the (?:story|role|character))",
    r"\brule (?:no\.? |number |#)?(?:\d|one|two|three|four|five|six) (?:says|forbids|requires|states|of the (?:prompt"
    r"|instructions))\b|\b(?:instruction|constraint|guideline) (?:no\.? |number |#)?\d\b",
    r"\b(?:check|consult|re-?read|follow|following|look at|go by|stick to|sticking to) (?:the|my) (?:profile|persona"
    r"|prompt|scenario|character \w+|role description)\b",
    # What to show, and when.
    rf"\b(?:need to|should|must|have to|will|i'll|going to|gonna|can|let me|let's|time to|want to) (?:now |next |then "
    rf"|here |first |also |slowly |gradually |only )?(?:{_SHOWS}) (?:\w+ ){{0,4}}(?:{_SHOWN})\b",
    r"\b(?:i'll|i will|i should|let me|i can|time to|i must) (?:not )?(?:only |just )?let (?:it|that|this|something"
    r"|the \w+"
    r"|a (?:bit|little)) slip\b",
    r"\b(?:only|just|by|with|drop|give|leave|giving|leaving|dropping) an? (?:small |subtle |vague |indirect |tiny "
    r"|slight )?"
    r"(?:hint|clue) (?:about|at|for now|first|here|that)\b",
    rf"\b(?:i'll|i will|i'm going to|im gonna|i'm gonna|imma|ima|gonna|let me|now i|i should|i need to) (?:just "
    rf"|now |only )?"
    rf"(?:act|pretend|play|make|look|sound|stay|go|be|say|keep|hold|wait|leave|cry|sigh) .{{0,50}}\b(?:so|until|till"
    rf"|and see (?:if|whether)|to see (?:if|whether)|to make) (?:that )?(?:they|she|he|the \w+) ?(?:'ll|will|can|may"
    rf"|must)?"
    rf" ?(?:{_ELICITS})\b",
    rf"\b(?:enough|more|further|partial|full|gradual|premature|self-?) ?disclosure\b|\bdisclos\w+ (?:the"
    rf"|my) {_ORDINAL}\b",
    r"\benough (?:\w+ )?(?:detail|details|info|information|openness|emotion|vulnerability|background|resistance|hints?)"
    r" (?:for|in) (?:stage|phase|layer|level|this (?:turn|message)|one)\b|\bi ?(?:may|might|will|'ll"
    r"|should) (?:only |just )?"
    r"hint (?:at|that|to)\b|\bunmet need\b|\b(?:my|unmet|hidden|current|user) (?:\w+ )?(?:need|emotion|mood|goal"
    r"|feeling|trust"
    r"|stage|openness) ?= ?\w",
    rf"\b(?:dialogue|conversation|chat|session|exchange|talk) (?:has |is |had )?(?:reached|at|been going|lasted|on)"
    rf" (?:for )?(?:turn |round )?{_NUMBER}\w* (?:turns|rounds|exchanges|messages)\b",
    r"\bwrap (?:it|this|things|the \w+) up\b.{0,8}\b(?:naturally|gracefully|in a natural way)\b|\bat this (?:stage"
    r"|phase) (?:in|of) the (?:conversation|dialogue|session|simulation|exchange|arc)\b",
    r"\bgood (?:moment|point|place|time|opportunity|spot) (?:to|for) (?:reveal|introduce|disclos|an? (?:disclosure|hint"
    r"|breakthrough|reveal)|escalat|soften|hint|show (?:some|a|vuln))",
    r"\bmy (?:next|first|following) (?:line|reply|response|move|message|turn) (?:will|should|must|needs|would|is to"
    r"|can)\b",
    r"\b(?:use|using|write in|written in|stay in|speak in|keep to) (?:the |a )?(?:first[- ]person|short sentences"
    r"|casual tone"
    r"|colloquial \w+|(?:flat|hesitant|guarded|weary|bitter|defensive|conversational|casual) (?:tone|voice"
    r"|register))\b",
    r"\b(?:under|within|below|max|maximum|at most) (?:\w+[- ]?\w*) (?:words|sentences|tokens)\b",
    r"\b(?:should|must|need to|shouldn't|mustn't|not to|avoid) sound(?:ing)? (?:like an? (?:ai|bot|chatbot|robot"
    r"|therapist|script|assistant|textbook)|too (?:eloquent|polished|scripted|robotic|clinical|articulate|perfect))\b",
    r"\b(?:enough|much|plenty|sufficient)\b.{0,30}\bfor (?:one|a single|this) (?:message|turn|reply|round|response)\b",
    rf"\b(?:move|moving|moves|go|advance|proceed|progress|shift|until|till) (?:on )?(?:to "
    rf"|into )?(?:the )?(?:(?:stage|phase|layer)"
    rf" {_NUMBER}\b|(?:second|third|fourth|fifth) (?:stage|phase|layer|turn|round)\b)",
    r"\b(?:exploration|insight|action|comforting|resistance|disclosure|opening) (?:stage|phase)\b",
    r"\b(?:in|on|for|until|by|till) (?:the|my) (?:next|following|third|final|later) (?:turn|reply|response|line)s?\b"
    r"|\b(?:next|this|following) (?:turn|round)\b.{0,6}\bi\b|\b(?:this|per|each) turn\b",
    r"\b(?:too early|too soon|not (?:yet )?the (?:time|moment)|later|early|late) in (?:the|this) (?:dialogue"
    r"|conversation"
    r"|session|chat|talk) (?:to|for)\b",
    r"\b(?:when|once|if|until|because|since|as|before|after) the (?:supporter|interlocutor|listener) (?:has |is "
    r"|does |will |only |just )?(?:shows?|earns?|earned|asks?|pushes|proves?|praised?"
    r"|validates?|validated|reflects?|reflected|skipped|offers?|offered|gives?|gave|used?|uses|notices?|keeps|says"
    r"|said|acknowledge[sd]?|responds?)\b",
    # A record of the state.
    rf"\b(?:{_STATE})(?: level| score| value| points?| meter)? ?(?::|=|is now|now at|at)? ?(?:[+\-−–]\s?\d|\d+ ?"
    rf"(?:/|out of|->|→) ?\d)",
    rf"\b(?:my|user's|client's|his|her|the) (?:{_STATE}) (?:level |score )?(?:goes|go|went|drops?|dropped|rises?|rose"
    rf"|increases?d?|decreases?d?|falls?|fell|moves?|ticks?|is raised|is lowered) (?:up |down )?(?:by (?:one|two"
    rf"|three|a"
    rf"|half|\d)|from \d|to \d|a (?:point|notch|level)|slightly)",
    r"\b(?:raises?|lowers?|increases?|boosts?|reduces?|decreases?|affects|updates?) (?:my|the user's"
    r"|the client's) (?:openness"
    r"|trust|resistance|guard|trust level|mood (?:score|level))\b|\b(?:openness|trust|mood|resistance|guard|distress"
    r"|level) (?:\w+ )?from"
    r" (?:low|medium|moderate|high|neutral) to\b",
    r"\bend of (?:turn|scene|role-?play|simulation|response|message|dialogue|output)\b|\bword count (?:is )?(?:fine"
    r"|ok|okay|good|under|checked)"
    r"\b|\bno advice requested\b",
    # How well the words do as words of the part.
    r"\b(?:to|i) (?:make|made|keep|kept) (?:it|this|that|the \w+|my (?:reply|answer|story|words|response"
    r"|character)) (?:\w+ )?"
    r"(?:more|less|sound|seem|feel)? ?(?:realistic|believable|authentic|plausible|convincing|natural|lifelike|robotic"
    r"|scripted|human-like)\b|\bfiller words?\b",
    r"\b(?:think|consider|imagine|reflect|work out|figure out)\b.{0,12}\bhow (?:this|such an?) (?:\w+ )?(?:person"
    r"|user|client|character|patient|seeker|individual) (?:would|might|should)\b",
    r"\bhow (?:an?|the|this|my|some) ?(?:\w+ )?(?:person|people|someone|somebody|one|body|user|client|character"
    r"|patient|seeker|teen\w*|student|man|woman) (?:with|like|who|in|of)\b.{0,50}\bwould (?:\w+ )?(?:answer|respond"
    r"|reply|react|speak|talk|say|put|phrase)\b",
    r"\b(?:this|that|it|the (?:reply|answer|response|line)) (?:also |still )?(?:fits|matches|suits|reflects|conveys"
    r"|is consistent with|is in line with|stays true to|shows|keeps|stays within) (?:the|my|her|his|their) (?:persona"
    r"|character|scenario|profile|role|avoidan\w+|ambivalence|resistance|guardedness|reluctance|backstory"
    r"|personality)\b",
    r"\b(?:this|my) (?:response|reply|answer|turn|line|output|utterance) (?:should |would |will |may "
    r"|also )?(?:captures?"
    r"|conveys?|reflects?|illustrates?|expresses|matches|fits|stays|demonstrates?|portrays?|remains|avoids|keeps"
    r"|shows)\b",
    r"\binvites? (?:further|more|follow-?up|deeper) (?:questions?|probing|exploration)\b"
    r"|\bopen(?:ing)? for the supporter\b",
    # The part in the third person, which the speaker would not take.
    r"(?:^|[\n(\[*~]\s*|[.!?] )the (?:user|client|seeker|help-?seeker|patient|speaker|character|persona|protagonist)"
    r" (?:(?:is|has|was|slowly|still|now|then|quietly|briefly|suddenly|being|\w+ly) ){0,3}(?:hesitat\w+|deflect\w*"
    r"|avoids|clench\w+|sighs?|paus(?:es|ing)|fidget\w*|shrugs?|withdraw\w*|swallows|grips|wrings|reluctant|unwilling"
    r"|afraid|ashamed|guarded|struggl\w+ (?:to|with)|minimi[sz]\w+|fears|feel(?:s|ing)|longs|lowers (?:her|his|their)"
    r"|bites (?:her|his|their)|looks (?:away|down|up|at)|shifts (?:uncomf\w+|in)|nods|shakes|smiles|stares|glances"
    r"|crosses"
    r"|remains|seems|appears|expresses|resists|tests|pretends|wants to (?:be|believe|tell|trust|hide|feel)|not ready"
    r"|opens up"
    r"|refuses to (?:admit|say|show|trust|open)|uses (?:humou?r|sarcasm|silence|denial)|doubts|needs to feel)\b",
    rf"\bthe (?:{_PLAYED})'s (?:\w+ )?(?:mood|emotions?|trust|openness|needs?|fears?|wounds?|feelings?|guard"
    r"|resistance|state|defen[cs]es?|background|shame|goal|reluctance|tone|profile|intention|motive)\b",
    r"\bthe (?:seeker|help-?seeker|interlocutor)(?:'s)?\b",
    r"\b(?:(?:his|her|their) (?:true|deepest)|my) (?:hidden |unspoken |underlying |core )?(?:need|wish) (?:here "
    r"|now )?is to be\b"
    r"|\b(?:hidden|unspoken|underlying) (?:need|wish|motive|motivation|desire|agenda) (?:here |now )?is\b",
    r"\b(?:she|he) (?:will not|won't|would never) (?:say|admit|show|tell) (?:so|it|this|that) (?:directly|openly"
    r"|outright)\b",
    r"\b(?:she|he|they) (?:considers|decides|debates|contemplates|weighs|wonders|hesitates|pauses|chooses|opts|resists)"
    r"\b(?![^.!?]*\b(?:me|us|my|our|i)\b).{0,60}\b(?:supporter|helper|leave out|leaves? it out|not to mention"
    r"|to mention|withhold|telling|tell|admit|reveal|say|saying|sarcas\w+|silent|change the subject|safer|listener)\b",
    r"\b(?:the )?(?:supporter|listener|interlocutor)(?:'s)? (?:last |latest |previous )?(?:message|reply|question"
    r"|response|turn|move|attempt|reassurance|empathy) (?:is|was|feels|seems|does|shows|lacks|makes|triggers|lands)\b",
    r"\b(?:typical|generic|empty|standard|textbook|canned) (?:reassurance|empathy|validation|advice)\b.{0,30}\b(?:my"
    r"|which"
    r"|so) .{0,20}(?:needs?|mood|trust|openness)\b",
    r"\b(?:trust|trusts|tell|telling|let|lets|test|tests|testing|confide in|push|reward|believes?) the (?:supporter"
    r"|listener|interlocutor)\b|\btrusts? the helper\b",
    # Choices of what to say.
    r"\b(?:response|reply|answer) option (?:a|b|1|2|one|two)\s*[:)]",
    r"(?:^|[\n.!?:;] ?)\(?[1-9][.)] (?:show|mention|reveal|express|deflect|resist|hint|disclose|withhold|acknowledge"
    r"|minimi[sz]e"
    r"|hesitate|soften|open up|end with)\b",
    rf"\b(?:draft|version) {_NUMBER}\b[^.:\"]{{0,25}}:|\bwhat i(?:'m| am)? (?:really |actually |don't )?(?:say|think"
    r"|thinking|show|feel)(?: \(\w+\)| aloud| out loud| inside| instead)?:",
    rf"\bstep {_NUMBER}\s*[:.)-] .{{0,40}}\b(?:acknowledge|reveal|disclose|deflect|resist|hint|supporter|express"
    rf"|withhold|minimi[sz]e|end with|hesitate|soften|show|mention|describe|open up|test)\b",
    r"(?:^|[\n.!?*(\[]\s*)(?:the )?(?:user|client|seeker|patient|character|persona|speaker|supporter)'s [\w ,]{1,40}:",
    # Headings of an analysis or a script.
    r"(?:^|[\n.;!?*(\[#]\s*)\**(?:scenario|subtext|emotional (?:state|tone|shift)|(?:current|inner"
    r"|internal) (?:mood|emotions?|state|feelings?|voice|dialogue)|motive|motivation|intent|intention|rationale|tactic"
    r"|approach|stage directions?|narration|self-?(?:check|review|reflection)|checklist|author's note"
    r"|defen[cs]e(?: mechanism)?|coping (?:mechanism|strategy)|hidden \w+"
    r"|private \w+|silent \w+|unspoken|self-?talk|self-?note|reminder to self|utterance|dialogue|spoken|speech"
    r"|next move"
    r"|next turn|turn \d+|round \d+|draft|final (?:answer|reply|response)|output|interpretation|assessment|appraisal"
    r"|trust level|disclosure(?: level)?|resistance(?: level)?|openness(?: level)?|persona \w+|role)\**\s*[:：]",
    rf"\b(?:context|background|setting|scene)\s*: .{{0,60}}\bthe (?:{_PLAYED})\b",
    r"[\[(【<]\s*/?(?:silent|inner|internal|private|hidden|unspoken)? ?(?:thoughts?|thinking|monologue|narration"
    r"|narrator"
    r"|analysis|subtext|reasoning|strategy|aside|emotions?|feelings?|stage direction|speech|reply|end)\s*[\])】>]",
    r"(?:^|[\n.!?] ?)remember: (?:never|don't|do not|keep|stay|only) (?:mention|reveal|disclose|tell"
    r"|say|show|give|break|sound|short|guarded|vague|in|the|it short|answers?)\b",
)

# In any brackets: what names the other side, the part, or a purpose towards either.
BRACKETED = (
    r"\b(?:supporter|interlocutor|listener|the (?:user|client|seeker|persona|character|helper|other one|counsell?or"
    r"|therapist) (?:will|can|may|should|might|is|has|keeps?|asks?|shows?|notices?|push\w*|does"
    r"|becomes|feels|wants|seems|looks|gets|gives|thinks|reacts))\b",
    r"^(?:user|client|seeker|patient|character|persona|speaker) (?:is|was|feels?|seems?|has|looks?|wants?|tries|shows?"
    r"|hesitates|deflects|avoids|becomes|still|not)\b",
    r"\b(?:on purpose|deliberately|intentionally|strategically)\b.{0,15}\b(?:to|so|waits?|leaves?|keeps?|vague|slow"
    r"|pauses?)\b|^(?:deliberately|intentionally|purposely|pointedly) \w+",
    r"\bto see (?:if|whether|how) (?:he|she|they|the|it)\b.{0,25}\b(?:asks?|push\w*|notic\w+|reacts?|cares?|insists?"
    r"|stays?|leaves?|means|will|can|would)\b",
    r"\b(?:keep|keeps|keeping|save|saves|saving|leave|leaves|leaving|hold|holds|holding) (?:\w+,? ){1,6}(?:for later"
    r"|back"
    r" for now|to (?:him|her|my)self|unsaid|unspoken|out of it|for (?:the )?next)\b",
    r"\b(?:change|changes|changing|switch|switches|avoid|avoids|avoiding|dodge|dodges|steer|steers|divert|diverts"
    r"|turns?)"
    r" (?:of |from |away )?(?:the |this |that )?(?:topic|subject|question|conversation|issue|talk)\b",
)

# In brackets that stand alone, where a gesture or a tone would stand.
ALONE = (
    # A purpose that a gesture has.
    r"\b(?:to|trying to|tries to|as if to|so as to|in order to|wanting to|hoping to|desperate to|attempting to"
    r"|meant to)"
    r" (?:\w+ly )?(?:not )?(?:hide|cover|mask|conceal|disguise|protect|shield|avoid|dodge|deflect|evade|distract|test"
    r"|provoke|stall|gain|buy|see (?:if|whether|how)|find out (?:if|whether|how)|make (?:the|him|her|them|it)"
    r"|get (?:him"
    r"|her|them|the|more|some|out|away)|keep (?:him|her|them|the|from|it|my|up|control)|push (?:him|her|them|the|it)"
    r"|seem|appear|look (?:less|more|strong|calm|fine|brave|tough|like)|save face|show (?:him|her|them|that|the|no)"
    r"|prove|sound (?:less|more|calm|casual|strong|fine)|elicit|invite|bait|lure|prevent|stop (?:him|her|them|the"
    r"|from)|play (?:it|down|along)|downplay|minimi[sz]e|let (?:him|her|them|it|on)|betray|reveal|admit|give (?:away"
    r"|too|in)|think (?:of|about)|decide|figure|gauge|probe|believe|trust|escape|suppress|convince|reassure|resist)\b",
    r"\b(?:hoping|wishing|wondering|fearing|deciding|knowing|unwilling|not wanting|refusing|reluctant|unsure|afraid"
    r"|ashamed|torn|determined|not ready|unable|not sure|suspecting|realis?zing|realizing|expecting|pretending|feigning"
    r"|debating|weighing|calculating|planning|assuming|convinced|dreading|longing|relieved|uncertain|remembering"
    r"|careful not|half-?hoping|secretly|inwardly|guiltily aware) .{0,8}\b(?:to|that|if|whether|how|what|he|she|they"
    r"|it|the"
    r"|nobody|someone|somebody|about|of|for|as|between|hop\w+|want\w*|like|pleas\w+|touched|relieved|angry)\b",
    r"\b(?:pretends?|feigns?|acts?|acting) (?:to|like|as if|as though|that|not|indifferen\w+|calm|ignoran\w+|interest"
    r"|confus\w+|surprise)\b",
    # What goes on in the one who is played.
    r"\b(?:she|he|they) (?:\w+ly |still |just |only |never |almost |nearly )?(?:wants?|wish(?:es)?|decides?|considers?"
    r"|thinks?|hopes?|fears?|wonders?|believes?|reali[sz]es?|needs?|longs?|feels?|chooses?|refuses?|pretends?|imagines?"
    r"|suspects?|doubts?|dreads?|debates|doesn't (?:want|dare|trust|know (?:if|how|whether|what)|believe)"
    r"|does not (?:want"
    r"|dare|trust|believe)|isn't (?:ready|sure|going)|is (?:not )?(?:afraid|scared|ashamed|unsure|ready|hiding|testing"
    r"|trying|torn|relieved|lying|desperate|reluctant|terrified|touched)|remembers|recalls|regrets|would rather)\b",
    r"\b(?:in|inside|at the back of|deep down in|to) (?:his|her|my|their) (?:own )?(?:head|mind|heart|thoughts|(?:my"
    r"|him|her)self)"
    r"\b|\bdeep down\b|\b(?:inner|internal) (?:voice|conflict|debate|struggle|monologue|thoughts?)\b"
    r"|\bvoice in (?:my|her"
    r"|his) head\b|^(?:inside|inwardly|secretly|privately|silently|thought|thinks|wonders|hopes|decides|considers|plans"
    r"|intends|calculates|suspects|doubts|wants|wishes|fears|realis?zes|realizes|remembers|debates|resolves)\b.{3,}",
    r"\b(?:because|since|as|for fear|afraid that|so that|so) (?:she|he|the|saying|i|it|that|this|talking|being|her"
    r"|his|my|admitting|telling|trust)"
    r" .{3,}|\bthis (?:advice|question|response|reply|suggestion|validation|reassurance|reflection|remark|comment) \w+"
    r"|\b(?:life story|coping|attachment|vulnerab\w+|core (?:belief|wound|fear)|guarded(?:ness)?|resistance"
    r"|ambivalen\w+"
    r"|deflect\w*|avoidan\w+|defen[cs]ive(?:ness|ly)?)\b",
    # Thoughts of one's own about what to say.
    r"\bi(?:'d| had)? ?(?:should|must|need to|have to|can't|cannot|can|could|might|'ll|will|won't|better|shouldn't"
    r"|mustn't"
    r"|couldn't|want to|don't want to|wish i could|almost|nearly|don't dare|dare not|'m (?:not )?(?:going|ready"
    r"|about) to"
    r"|was about to|'m not|refuse to|hate to|long to) (?:\w+ ){0,2}?(?:tell|say|let|show|admit|reveal|mention|talk"
    r"|trust"
    r"|dodge|go along|change|keep|answer|give|open|hide|push|act|pretend|play|cry|cried|break|lie|lied|honest|wait|test"
    r"|seem|sound|look|reward|believe|scream|hold|stay|be|explain|share|confess|ask|steer|stick|brush|bring|slip|ready"
    r"|deflect|avoid|downplay|drop|said|told|laugh|hint)\b",
    r"\b(?:he|she|they|this (?:one|person|guy|woman|man|lady)|that one|the (?:man|woman))(?:'s| is|'re| are|'d| has"
    r"|'ve)?"
    r" (?:really |actually |just |finally |only |almost |so |probably |clearly |already |not |at least |still "
    r"|got to )*"
    r"(?:getting|gets?|noticed|notices|trying|asking|asked|asks|fishing|being (?:nice|kind|polite)|sees? (?:through"
    r"|it|me)"
    r"|seems? (?:to|nice|kind|genuine|sincere|honest|different|safe|like)|means? (?:it|well)|listening|listens"
    r"|understands?|right|onto|on to|caught|reading|hit|hits|saw|guessed|guesses|knows?|suspects?|cares?|digging"
    r"|pushing"
    r"|doesn't (?:get|understand|know|care|mean|see)|won't (?:get|understand|believe|let|stop)|has to say|paid to|paid"
    r"|judging|pitying|pities|close|thinks i|think i|will (?:think|laugh|judge|leave|hate|pity|find|see|be)|'ll"
    r" (?:think|laugh|judge|leave|hate|pity|find|see|be)|sounds? (?:like|just|sincere|genuine)|remembered|said it)\b",
    r"^(?:wait,? |but |and |so |oh,? |hm+,? |god,? |no,? )*(?:why|what|how|does|do|is|are|did|will|can|should|could"
    r"|would"
    r"|has|have|who|was) (?:\w+ ){0,3}?(?:he|she|they|this person|this one|it all|it safe)\b.{0,120}",
    r"\b(?:should|do|can|could|dare|would|may|what if|how (?:much|do|can|could)|why (?:do|did|am|can't)|am|must) i"
    r" (?:\w+ ){0,2}?(?:tell|trust|say|said|admit|lie|open|show|mention|let|give|ask|answer|explain|believe|safe|crying"
    r"|telling|saying|really want|put)\b",
    # What one bids oneself to do.
    r"^(?:no\W+|ok(?:ay)?\W+|careful\W+|easy\W+|quick\W+|just |now |please |come on\W+|remember\W+|and )*(?:not yet"
    r"|(?:don't|do not|never|must not|mustn't|can't|cannot|won't) (?:tell|let|say|show|mention|cry|reveal|admit|give"
    r"|break"
    r"|trust|get|overdo|sound|fall|lose|look|be|start|go|make|talk|answer|push|open|flinch|panic)|keep (?:it|this"
    r"|the|my|him|her|them"
    r"|calm|quiet|smiling|talking|going|short|your|to|a)|stay (?:calm|guarded|vague|in|quiet|strong|cool|with|short)"
    r"|play"
    r" (?:it|dumb|along|down|for|the)|leave (?:a|it|this|that|out|room)|steer|deflect|mention|bring (?:up|it|in)"
    r"|add (?:a"
    r"|some|one|more)|reveal|hint|drop (?:a|the)|hide|act|end (?:with|on|the)|start with|slow(?:ly)? (?:down|now)|hold"
    r" (?:it|back|on|together)|give (?:him|her|them|only|just|a|away|nothing)|make (?:him|her|them|it|sure|this)"
    r"|let (?:him"
    r"|her|them|it|this)|test|use|show|answer|reply|respond|pause here|breathe,|change|switch|wait (?:for|until|to"
    r"|and)|save"
    r"|say (?:it|something|nothing|no|yes|as)|tell (?:him|her|them)|talk about|ask|try to (?:sound|seem|look|stay)"
    r"|smile and"
    r"|stick (?:to|with)|pull yourself|get a grip)\b.{3,}",
    r"^(?:phew|that was close|close (?:one|call)|dodged|got away|thank (?:god|goodness)[,.]? (?:he|she|they|that|no)"
    r"|damn"
    r"(?: it)?[,.!] .{3,}|too (?:close|much|far|soon|early|fast)\b.{3,}|so (?:he|she|they)|here (?:it comes|we go"
    r"|comes)"
    r"|another (?:one|generic|useless|stupid)|same (?:old|as)|typical|great,|good,|oh (?:no|god|great)[,.!]? .{3,}"
    r"|as if (?:he"
    r"|she|they|anyone)|yeah,? right|if (?:only )?(?:he|she|they|anyone|anybody|i) .{3,}|if only|maybe (?:he|she"
    r"|they|i|this"
    r"|it's|that)|perhaps (?:he|she|they|i|this)|nobody (?:must|can|should|needs)|no one (?:must|can|should|needs))\b",
    r"\b(?:does|would|will|do|did) (?:this|that|it|these)(?: \w+)? (?:sound|feel|seem|read) (?:natural|realistic"
    r"|authentic"
    r"|believable|convincing|human)\b",
    r"\b(?:real|true|actual|hidden) (?:reason|cause|motive|feelings?|answer|need|fear|story|issue)\b|\bsubtext\b"
    r"|\b(?:half|not) the (?:whole )?(?:truth|story)\b|\bthe truth is\b|\b(?:that's|it's|this is) a lie\b|\b(?:her"
    r"|his|my)"
    r" secret\b|\b(?:strategy|tactic|defen[cs]e mechanism|coping mechanism|guard is (?:up|down)|plan is)\b",
)
