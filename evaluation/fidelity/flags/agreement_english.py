"""English forms of agreement, thanks and praise, and the words in them that add nothing of the speaker's own."""

import re

from cocoon.evaluation.text.contents import contents

_ADVERB = (
    "so|such|very|really|truly|quite|most|pretty|rather|just|always|never|absolutely|absolute|incredibly|extremely"
    "|deeply|greatly|genuinely|sincerely|completely|totally|exactly|precisely|perfectly|clearly|certainly|surely"
    "|definitely|honestly|actually|already|finally|too|super|ever|more|much|both|and|or|but|also|all|surprisingly"
    "|wonderfully|beautifully|amazingly|unbelievably|exceptionally|remarkably|a (?:bit|little|lot)|lots of|now|even"
)
_PRAISE = (
    "good|great|nice|lovely|wonderful|amazing|awesome|brilliant|excellent|fantastic|fabulous|terrific|superb"
    "|marvell?ous|splendid|perfect|beautiful|gorgeous|eloquent|elegant|insightful|perceptive|intuitive|wise"
    "|intelligent"
    "|smart|clever|thoughtful|considerate|kind|kindest|generous|compassionate|empathetic|empathic|sweet|sweetest"
    "|supportive|understanding|helpful|useful|valuable|invaluable|precious|powerful|profound|meaningful|inspiring"
    "|inspirational|encouraging|uplifting|reassuring|comforting|soothing|calming|consoling|validating|affirming"
    "|enlightening|illuminating|refreshing|accurate|apt|fitting|poetic|touching|heartwarming|heartfelt|warm|caring"
    "|patient|gentle|moving|healing|deep|clear|precise|concise|practical|sensible|sound|solid|valid|fair|logical"
    "|interesting|fascinating|remarkable|extraordinary|incredible|best|better|special|rare|true|right|big|real|fine"
    "|respectful|attentive|constructive|important|apt|astute|spot-on|spot on|honest|simple|lucky|cool|neat|stunning"
    "|fresh|new|different|healthy|positive|balanced|nonjudgmental|non-judgmental|unique|timely|excellent|professional"
)
# What the supporter gives in words. These nouns name it and no event.
_SPEECH = (
    "words?|phrases?|phrasing|wording|sentences?|lines?|messages?|things?|statements?|comments?|remarks?|responses?"
    "|repl(?:y|ies)|answers?|input|feedback|advice|tips?|suggestions?|recommendations?|guidance|counsel|support|help"
    "|assistance|ideas?|thoughts?|insights?|perspectives?|viewpoints?|views?|points?|angles?|outlooks?|takes?"
    "|observations?|analys[ei]s|interpretations?|explanations?|summar(?:y|ies)|conclusions?|wisdom|knowledge"
    "|reminders?|lessons?|reflections?|descriptions?|metaphors?|images?|analog(?:y|ies)|comparisons?|pictures?"
    "|ways?|framing|conversations?|chats?|sessions?|talks?|discussions?|presence|patience|attention|one"
    "|kindness|empathy|compassion|understanding|encouragement|reassurance|validation|care|concern|warmth|generosity"
    "|listening|permission|compliments?|praise|approach|strateg(?:y|ies)|method|technique|tools?|reasoning|logic"
    "|truth|sentiments?|question|example|thinking|intuition|honesty|expertise"
)
_GIVEN = (
    rf"(?:{_SPEECH})(?: of (?:yours|mine|advice|wisdom|encouragement|comfort|support|truth|kindness)"
    r"| (?:of|to) (?:look|see|put|think|fram|describ|say|view|explain|express|approach|tak|hear)(?:e|t?ing)?"
    r"(?: (?:at|about|of|on))?(?: (?:it|this|that|things))?)?"
)
_SAY = (
    "say|says|said|saying|tell|told|telling|put|putting|phrased?|word(?:ed)?|express(?:ed)?|explain(?:ed)?"
    "|describ(?:e|ed|ing)|articulated?|summari[sz]ed?|sum(?:med)?|frame[ds]?|reframed?|point(?:ed)?|mention(?:ed)?"
    "|remind(?:ed|ing)?|shar(?:e|ed|ing)|offer(?:ed|ing)?|gave|given?|giving|show(?:ed|n|ing)?|suggest(?:ed)?"
    "|advised?"
    "|recommend(?:ed)?|captur(?:e|ed)|named?|nail(?:ed)?|hit|spoken?|speak|taught|ma(?:ke|de)|rais(?:e|ed)|brought"
    "|bring|chose|chosen|help(?:ed|ing)?|comfort(?:ed)?|reassured?|encouraged?|inspired?|touched|moved|opened|lifted"
    "|writ(?:e|ten)|wrote|find|found"
)
_GRASP = (
    "know|understand|understood|get|got|see|saw|seen|hear|heard|listen|read|recogni[sz]ed?|notic(?:e|ed)|reali[sz]ed?"
    "|acknowledged?|validated?|grasp(?:ed)?|sense[ds]?|relate|care|believed?|pick(?:ed)? up"
)
# What may follow such a verb and still be nothing of one's own.
_SAID = (
    r"me|it|this|that|these|those|things?|so|up|out|across|through|there|here|with|by|in|on|of|for|at|as|to"
    r"|into words"
    r"|everything|all|exactly|well|perfectly|beautifully|clearly|nicely|gently|kindly|simply|eloquently|accurately"
    r"|spot on|best|better|right|very|really|truly|what|how|why|i|i'm|i am|i've been|you|you're|my|mine|feel"
    r"|feelings?"
    r"|emotions?|feeling|mean|meant|trying|say|saying|need|needed|hear|to hear|go(?:ing)? through|inside|myself"
    r"|situation|struggles?|heart|mind|matters?|nail|head|today|the|a|an|just|when|where|from|coming|even"
    rf"|{_PRAISE}"
)
_DOING = (
    r"(?:say|tell|listen|hear|understand|see|believ|be|shar|remind|help|support|encourag|point|putt?|explain|show|giv"
    r"|offer|tak|car|acknowledg|recogni[sz]|validat|notic|reassur|comfort|clarify|normali[sz]|mention|bring|talk"
    r"|chatt"
    r"|stay|hold|mak|lett|allow|respond|answer|reply|reach|check|ask|think|speak|gett|guid|advis|suggest|lift|calm"
    r"|respect|accept|bear|sitt|look|lend|walk|open|having|keep|try|want|read|writ|summari[sz]|summ|phras|word|fram)"
    r"(?:ing)?"
)
_DONE = (
    r"me|it|this|that|these|those|to|with|by|out|in|up|my|side|there|so|here|what|how|i|i'm|you|the|a|an|your|time"
    r"|listen|talk|hear|chat|explain|an ear|ear|space|feel|seen|heard|understood|better|of|for|me out|on|pain"
    r"|emotions?"
    r"|feelings?|situation|perspective|hand|company|safe|about|and|today|now|always|all|patient|am|are|say|vent|open"
    rf"|{_PRAISE}|{_ADVERB}"
)
_MANNER = rf"(?:{_ADVERB})"
_FRAMES = (
    # Thanks, and what they are for.
    r"\b(?:(?:many|much|big|huge|a million|heartfelt|sincere|deepest|warmest) )*(?:thanks|thank (?:you|u|ya)|thankyou"
    r"|thankful(?:ly)?|thank|thx+|thnx|tha?nk?s|ty(?:sm|vm)?|cheers|obliged|grateful(?:ly)?|gratitude|appreciat\w+"
    r"|bless (?:you|u|your heart)|indebted|i owe you(?: one| a lot)?)"
    r"(?: (?:so|very|ever|again|much|a (?:million|bunch|ton|lot)|lots|heaps|loads|tons|kindly"
    r"|from the bottom of my heart"
    r"|with all my heart|a thousand times|truly|really|indeed|to you|(?:you|u)(?! (?:\w+ed|told|said|put|took"
    r"|gave)\b))\b)*"
    rf"(?:(?:,? both)?(?:,? for)?(?: (?:{_MANNER}))*(?: (?:{_DOING})\b(?: (?:{_DONE})\b){{0,6}}"
    rf"|(?: (?:and )?(?:the|your|all the|all your|all of your|this|that)(?: (?:{_ADVERB}|{_PRAISE}))* (?:{_GIVEN}"
    rf"|time)){{1,3}}"
    r"| (?:everything|it|this|that|all)\b))?",
    # Praise of what was given: your wise words, such a powerful message, what a valuable insight.
    rf"\b(?:your|this|that|that's|these|those|such|what|ur)(?: (?:a|an|{_ADVERB}|{_PRAISE}),?){{0,5}} {_GIVEN}\b"
    rf"|\b(?:{_PRAISE})(?:,? (?:and |{_PRAISE}))? {_GIVEN}\b",
    # The supporter says or grasps: you have summed it up perfectly, the way you put it, as you said.
    r"\b(?:(?:the way|how|how well|what|as|like|everything|all|things?|every word|anything) (?:that )?)?"
    rf"(?:you|u)(?:'ve|'re| have| are)?(?: (?:{_ADVERB}|do|did|can|could|seem to|know how to|manage to|managed to"
    rf"|somehow|were able to|have a way of|{_PRAISE}))*"
    rf" (?!know(?! (?:me|what|exactly|how|just|it))\b)(?:{_SAY}|{_GRASP})\b(?: (?:{_SAID})\b){{1,8}}"
    r"|\b(?:the way|how|what|as|like|everything|all) (?:that )?(?:you|u)(?:'ve| have| just)? (?:say|said|put"
    r"|suggest(?:ed)?"
    r"|mentioned|explain(?:ed)?|describ(?:ed?)|recommend(?:ed)?|offer(?:ed)?)\b",
    r"\b(?:you|u)(?:'ve| have) (?:got |given me )?(?:a (?:gift|talent|knack|way|point)|such a way)(?: (?:for|with"
    r"|there)"
    r"(?: (?:this|that|words|it|people|saying things))?)?",
    r"\b(?:you|u)(?:'re| are|r)? (?:such |truly |really |just )*(?:an? |the |one of the )?"
    rf"(?:(?:{_ADVERB}|{_PRAISE}),? )*(?:person|people|human(?: being)?|soul|listener|counsell?or|therapist|friend"
    rf"|angel"
    r"|star|legend|lifesaver|gem|treasure|genius|one)\b|\b(?:your|ur) (?:time|company|heart|mind|way with words"
    r"|skills?"
    r"|experience|eye|gift|talent)\b",
    r"\b(?:nobody|no one|no-one)(?: (?:else|ever|has|has ever|could|could have))*"
    r" (?:says?|puts?|put|said|explain(?:s|ed)?|understands?|understood|gets?|listen(?:s|ed)|sees?|describe[sd]?)"
    r"(?: (?:it|things?|me|that|this|to me|so))?(?: (?:like|as well as|better than|the way|quite like) (?:you"
    r"|this|that)"
    r"(?: do| did| have)?)",
    # Liking what was given, and luck to have it.
    rf"\b(?:i|do)(?: (?:{_ADVERB}|do))* (?:value|love|like|enjoy(?:ed)?|admire|respect|treasure|cherish|welcome|adore"
    r"|loved|liked)(?= (?:your|ur|that|this|it|how you|what you|the way|everything you|these|those|hearing"
    r"|talking|every))",
    rf"\b(?:lucky|blessed|fortunate|honou?red|glad|happy|privileged|delighted|pleased|impressed|touched"
    rf"|moved) (?:to|that i|by|with)(?: (?:be|am|was|were)"
    r"(?: able)? to)? (?:have|receive|hear|know|meet|met|get|talk|find|found|read|reached|reach|how)\b"
    rf"(?: (?:to|with|out|such|you|your|yours|like|someone|somebody|this|that|it|here|in|a|an|{_PRAISE}"
    rf"|{_GIVEN})\b){{0,7}}",
    # What it does to the one who hears it.
    r"\b(?:resonat(?:e|es|ed|ing)(?: with me)?|(?:hits?|hitting|struck|strikes|cut|went|goes) (?:home|hard"
    r"|different|deep"
    r"|close to home|a chord|a nerve|me|straight to (?:the|my) heart|the spot)|rings? true|rang true|clicks?|clicked"
    r"|speaks? to me|spoke to me|(?:moves?|moved|touche[sd]) (?:me|my heart)|warm(?:s|ed) my heart"
    r"|(?:makes?|made|making) (?:my day|me smile|me (?:cry|tear up|think)|me (?:want to )?cry)"
    r"|(?:makes?|making|made) (?:(?:a lot of|a world of|lots of|perfect|total|complete|so much|good|absolute"
    r"|much) )*sense"
    r"(?: (?:to me|now|of it(?: all)?))?"
    r"|(?<!they )(?:means?|meant) (?:(?:so much|a lot|the world|everything|a great deal|a ton"
    r"|more than you know)(?: to me)?)"
    r"|(?:gives?|gave|given|brings?|brought) me (?:(?:so much|a lot of|much|some|great|new|a sense of|real"
    r"|a bit of) )*"
    r"(?:goosebumps|chills|comfort|relief|clarity|a lot to think about"
    r"|(?:something|much|plenty|lots) to think about|food for thought|warmth|encouragement|perspective)"
    r"|(?:lifts?|lifted) my (?:spirits?|mood)|opens? my eyes|opened my eyes|eye[- ]opener|eye[- ]opening|goosebumps"
    r"|(?:exactly |just |really )*what i (?:needed|wanted|had to|was longing) to hear|needed (?:(?:to hear"
    r"|to be told|to be reminded|reminding|hearing|a reminder)(?: of)?(?: (?:that|this|it))?|that|this)"
    r"|a weight off my (?:shoulders|chest|mind)|music to my ears|a relief to hear|good to hear|nice to hear"
    r"|(?:feel|felt|feels|feeling|makes? me feel|made me feel|me feel)(?: (?:like|i'm|i am|a (?:bit|little|lot)"
    r"|much|less"
    rf"|not|{_ADVERB}))* (?:seen|heard|understood|validated|supported|better|lighter|relieved|comforted|reassured"
    r"|encouraged|alone|calmer|honou?red|touched|inspired|at ease|cared for|accepted|valued|motivated)"
    r"(?: (?:by|with|from) (?:you|someone|your words))?)\b",
    # Doing what was advised: I'll give it a go, will do, I will keep that in mind, I'll make sure to follow it.
    r"\b(?:(?:i(?:'ll| will| shall|'m going to| am going to|'m gonna|ll)|i(?:'d| would) (?:like|love) to|will)"
    r"(?: (?:definitely|certainly|surely|sure|make|be|do my best|to|always|really|try|remember|give|just|so"
    r"|absolutely|gladly|happily|seriously))*"
    r"(?: (?:do|try|follow|consider|remember|keep|bear|hold|take|think|note|apply|use|heed|reflect|implement"
    r"|practi[sc]e"
    r"|treasure|cherish|carry|hang|hold on|start|work|trying|sit|chew|ponder))?\b)"
    r"(?: (?:it|that|this|so|them|those|these|in mind|in my heart|with me|on board|to heart|a (?:go|try|shot"
    r"|thought|whirl)"
    r"|about|over|on|out|your|advice|suggestions?|words?|note|of|tips?|just|for sure|as you (?:said|say"
    r"|suggest(?:ed)?)"
    r"|what you (?:said|suggest(?:ed)?)|seriously|to|thought|today|tonight|next time|soon|right away|thanks)\b)*",
    # It was news to the speaker: I had never thought of it that way.
    r"\bi(?:'d| had|'ve| have)?(?: (?:never|not|hadn't|haven't|have not|had not|hadnt))(?: (?:really|ever|quite"
    r"|even))?"
    r" (?:thought|looked|seen|considered|think|realized|realised|viewed)(?: (?:of|about|at|it|that|this|things|in"
    r"|like|way"
    r"|from|angle|perspective|light|before|quite|those|terms))*\b",
    # Set phrases.
    r"\b(?:(?:couldn't|could not|can't|cannot|can not) (?:have )?(?:agree|said|say|put|phrased?|worded|explain(?:ed)?"
    r"|express(?:ed)?)(?: (?:it|that|this))?(?: any)?(?: (?:more|better|enough|myself)){1,2}|well (?:said|put|spoken"
    r"|phrased)|took the words(?: right)? out of my mouth|nail on the head|i hear (?:you|ya)|point taken|say no more"
    r"|you can say that again|tell me about it|my thoughts exactly|that's (?:the thing|how it is|about it|about right"
    r"|it exactly|a fact|the truth|for sure|for certain|life|fair|so me|me)|in a nutshell|words to live by"
    r"|food for thought|goes without saying|preach|hear,? hear|(?:100|hundred|a hundred|one hundred|thousand) ?(?:%"
    r"|per ?cent)?|no arguments?(?: (?:here|there))?|nothing (?:more )?to add(?: to that)?|on the money|on point"
    r"|right on"
    r"|damn right|you bet|(?:sums?|summed) it up|fair enough|got (?:it|you|ya|u)|gotcha|likewise|ditto|touch[eé]"
    r"|you(?:'re| are) not wrong|(?:can't|cannot|hard to) (?:argue"
    r"(?: with (?:that|it|you))?|deny (?:it|that))|(?:that's|that is|this is|it's|it is) (?:exactly|precisely"
    r"|just|so)"
    r" (?:how (?:it is|it feels|i feel|i see it)|what it is|it|right|what i (?:mean|feel|felt|think|thought)|me"
    r"|relatable)"
    r"|(?:duly|well) noted|point well (?:made|taken)|no truer words?(?: (?:have|were|ever|been|spoken))*"
    r"|couldn't be truer|i'm in your debt|too kind"
    r"|(?:touched|moved|humbled|honou?red|comforted|helped)(?: (?:so|very) much)? by"
    r"|(?:like|as) an? (?:open )?book|you flatter me|flattered|humbled|beyond (?:doubt|words)"
    r"|roger(?: that)?|noted|understood"
    r"|copy that|sounds (?:good|great|right|fair|lovely|perfect|about right|reasonable|wonderful|true|like a (?:plan"
    r"|\w+ (?:plan|idea|suggestion)))|i (?:see|take|get|hear) (?:your|ur|the) point|i see what you mean|i second that"
    r"|with every (?:single )?word(?: (?:of (?:that|this|it)|you (?:said|say)))?"
    r"|every (?:single )?word(?: of (?:it|that))?"
    r"|in every way|by all means|at all|to be honest|to tell the truth|in fact|as well|of course|no (?:doubt"
    r"|question)"
    r"(?: about (?:it|that))?|without a doubt|one (?:million|thousand)|for real|from now on|i'm (?:all ears"
    r"|speechless"
    r"|impressed|sold|convinced|with you(?: on that)?)|speechless|hats off(?: to you)?|the best|a (?:pleasure|joy"
    r"|delight"
    r"|relief|comfort|blessing|privilege|treat) (?:to (?:talk|speak|chat|listen|hear|read)(?: (?:to|with|from))?"
    rf"(?: (?:you|someone|somebody|this|that|it))?(?: (?:{_ADVERB}|{_PRAISE}))*)?|you made my (?:day|week|night))\b",
)
FRAMES = re.compile("|".join(_FRAMES))
"""Phrases that agree, thank, praise or promise to do as advised. What they hold is nothing of the speaker's own."""

# The whole sentence repeats the supporter's by its verb alone: it does, sure is, I guess it can.
_PRO_FORM = (
    r"(?:^|[.!?,…;] ?|\b(?:and|yeah|yes|guess|suppose) )(?:i (?:guess|suppose|know) )?"
    r"(?:(?:so )?(?:it|that|this|they|there|people|nobody|we)(?: (?:really|sure|certainly|truly|definitely|totally"
    r"|absolutely|always|often|probably|just|so))?|sure|certainly|so it|too right it) "
    r"(?:is|does|can|do|are|was|has|will|did|would|could|should|have|must|may|might|were|had)(?: be)?"
    r"(?: (?:indeed|too|so|that|sometimes|really))?(?= ?(?:[.!,…;]|$))"
)
AGREES = (
    r"\b(?:yes+|yeah|yep|yup|yea|yah|yeh|aye|exactly|absolutely|definitely|totally|indeed|agreed?|agreeing"
    r"|(?<!all )right"
    r"|(?:so|very) true|that's (?:it|true|so|correct|right)|makes? (?:\w+ ){0,4}sense|good point|(?:fair|valid"
    r"|good) one"
    r"|so well|i(?:'m| am) (?:\w+ )?\w+,? too|m+-?h+m+|m+-m+|uh-?huh|of course|certainly|undoubtedly|undeniably"
    r"|naturally|correct|accurate|concur|valid"
    r"|i (?:guess|suppose|think|believe|reckon) (?:so|that's true|you(?:'re| are) right)"
    r"|you (?:really |so |truly |just )*(?:get|understand|hear|see) (?:me|it)|spot on|bingo|nailed it"
    r"|(?:that|this) (?:really |so )?(?:resonates?|hits|lands|helps)|beautiful(?:ly)?|wise|insightful|profound"
    r"|powerful"
    r"|true|precisely|amen|no doubt|fair enough|(?:you're|you are|ur) (?:\w+ ){0,2}(?:kind|sweet|right|wise|best"
    r"|amazing"
    r"|wonderful|angel|star|legend|lifesaver|gem|treasure|brilliant|incredible|helpful|great)|same here|bang on|ikr"
    r"|fr+|facts|preach|this\b!|you always know|(?:good|great|excellent|wonderful|lovely|brilliant|nice|fantastic"
    r"|amazing"
    r"|awesome|perfect|fabulous) (?:idea|advice|point|tips?|suggestions?|thinking|way|plan|insight|question|words)"
    r"|beautiful|eloquent|lovely|wonderful|how (?:true|wise|kind|lovely|beautiful|insightful|thoughtful|sweet"
    r"|perceptive"
    r"|nice|comforting)|so (?:kind|sweet|wise|nice|good) of you|(?:kind|sweet|good|nice|lovely) (?:of you|words)"
    r"|that's (?:\w+ )?(?:kind|sweet|nice|lovely|beautiful|comforting|helpful|wonderful|thoughtful|reassuring))\b"
    r"|^no, (?:they|he|she|it|i|we|nobody|not)\b|[👍🙏💯👏👌🫶🥰❤]|"
) + _PRO_FORM
"""Words of agreement, praise and thanks that make a turn with nothing of its own in it an empty one."""

PRAISES_WORDS = re.compile(
    r"\b(?:(?:good|great|excellent|wonderful|lovely|brilliant|nice|fantastic|amazing|perfect|wise|helpful|useful)"
    r" (?:idea|advice|point|tips?|suggestions?|insight|words|perspective)|well (?:said|put)|makes? (?:\w+ ){0,3}sense"
    r"|couldn't agree more|you(?:'re| are) (?:\w+ )?right)\b"
)
"""Praise of what was said. It is no answer to a question of fact."""

DOUBTS = re.compile(
    r"\bi (?:really |just |still |honestly )?(?:don't|do not|can't|cannot|didn't|dont) (?:really |quite "
    r"|even )?(?:know"
    r"|understand|think|get|follow|see|agree|believe|remember|care)\b|\bdisagree|\bnot (?:sure|really|true|right"
    r"|quite"
    r"|exactly|convinced|help\w*|great|good)\b|\b(?:wrong|nonsense|rubbish|no idea)\b|\bi(?:'m| am) not\b"
    r"|\bunsure\b|\bbut\b"
    r"|\bif (?:that|this|it) makes\b|\bif (?:you|u) (?:know|get|see)\b|\bi (?:really |do |just )?(?:(?:have|need"
    r"|want|ought|got) to"
    r"|(?:should|must|wish|need|want))\b(?! (?:say|admit|agree|thank|confess|hear))|\b(?:to|with|about) myself\b"
)
"""Doubts, objections and wishes of one's own."""
NEGATES = re.compile(r"n't\b|\b(?:not|no|never|nobody|nothing|none|nope|cannot|without|hardly|seldom|rarely|barely)\b")
# A person of whom the supporter did not speak.
OTHERS = re.compile(r"\b(?:he|she|him|her|his|hers)\b")
PERSONS = re.compile(
    r"\b(?:he|she|him|her|his|hers|m[ou]m(?:my)?|dad(?:dy)?|mother|father|parent|daughter|son|wife|husband"
    r"|partner|boyfriend"
    r"|girlfriend|sister|brother|sibling|friend|boss|manager|colleague|teacher|therapist|doctor|gran\w*|aunt|uncle|ex"
    r"|child|kid|baby|fianc\w+|cousin|neighbou?r|roommate|flatmate|someone|somebody|person|nephew|niece)s?\b"
)
GREETS = re.compile(r"^(?:hi+|hello|hey+|hai|hiya|good (?:morning|afternoon|evening))\b")
FAREWELL = (
    r"\b(?:good)?bye\b|\bsee (?:you|ya|u)\b|\bgood ?night\b|\btake care\b(?! of)|\b(?:you|u),? (?:too|as well)"
    r"(?:[.! ]*$| (?:too|as well))|\bsame to you\b|\bhave an? (?:\w+ ){0,3}(?:day|evening|night|one|weekend|time"
    r"|week|rest|chat)\b"
    r"|\bhappy (?:holidays|new year)\b|\bmerry christmas\b|\bbest (?:wishes|to you|of luck)\b|\ball the best\b"
    r"|\btalk (?:to you )?(?:soon|later)\b|\bdone for now\b|\bfor (?:talking|chatting|having me|coming)\b"
    r"|\byou(?:r|'re| are) welcome\b"
)
# Partings of the supporter: thanks for them are manners as well.
WISHES = re.compile(
    r"\b(?:good)?bye\b|\bsee you (?:soon|later|next|then|in|on|tomorrow)\b|\bgood ?night\b|\btake care[.! ]*$"
    r"|\bhave an? (?:\w+ ){0,3}(?:day|evening|night|one|weekend|week|rest)\b|\byou(?:r|'re| are) (?:\w+ )?welcome\b"
    r"|\b(?:nice|great|lovely|good|pleasure) (?:to )?(?:talk|chat|meet)(?:ing)?\b|\b(?:good|best of) luck\b"
    r"|\bwish(?:ing)? you\b"
    r"|\benjoy (?:the rest of )?your (?:day|evening|night)\b|^(?:no problem|anytime|not at all)\b|\banything else\b"
    r"|\b(?:glad|happy) (?:that )?(?:i|to|we) (?:(?:could|can|was able to|were able to) )?(?:help|assist|chat|talk)"
    r"|\bhope (?:that )?i (?:have|was|could|can)\b|\bhope (?:(?:that )?i|this|that|it"
    r"|my \w+) (?:\w+ ){0,3}(?:help\w*|assist\w*)\b"
)
EMPTY_WORDS = contents(
    "yes yeah yep yup yea yah yeh ya aye exactly absolutely definitely totally completely entirely wholly fully "
    "utterly "
    "indeed true truly truth agree agreed agreement concur correct right accurate certainly surely undoubtedly "
    "obviously "
    "clearly naturally honestly frankly seriously genuinely sincerely really simply actually probably perhaps maybe "
    "possibly likely perfectly precisely sure course doubt fair enough valid reasonable "
    "oh ah aw aww wow whoa woah oof ooh ugh gosh goodness omg hmm hm mhm mm m uh um huh ha haha hah lol heh well "
    "ok okay "
    "alright k kk phew tbh ngl fr ikr man dude mate bro sis buddy dear u ur im ive ill its thats dont ll "
    "all much also too same again always no sense make lot such quite pretty still now already finally "
    "thank thanks thx ty cheers grateful thankful appreciate obliged bless million "
    "good great nice lovely wonderful amazing awesome brilliant excellent fantastic fabulous terrific superb "
    "splendid "
    "perfect beautiful beautifully gorgeous eloquent eloquently elegant insightful perceptive wise thoughtful kind "
    "kindly generous compassionate empathetic sweet supportive helpful useful valuable invaluable powerful profound "
    "profoundly meaningful inspiring encouraging uplifting reassuring comforting comfort soothing calming validating "
    "affirming enlightening touching heartwarming warm incredible incredibly best better deep deeply clear "
    "spot bingo nail bang home land hit observed resonate resonates amen relieved "
    "point word words say said put way understand understanding get know guess think suppose believe reckon see hear "
    "help mean listening angel star legend lifesaver gem treasure genius gold glad couldn amazed myself me "
    "everything "
    "something anything there here couldnt cant let allow both fine convo one thing count most seldom precious "
    "fascinating interesting remarkable extraordinary sound every"
)
PROMISES = re.compile(r"\bi(?:'ll| will|'m going to|'m gonna|ll) (?:\w+ )?(?:try|do|give|consider|work)\b")
"""Promises to do as advised."""
_FORMS = [AGREES, FRAMES.pattern, PRAISES_WORDS.pattern, GREETS.pattern, PROMISES.pattern, *EMPTY_WORDS]
BEGINNINGS = frozenset(word[:4] for word in re.findall("[a-z]{4,}", " ".join(_FORMS)))
"""The first four letters of all longer words that these forms know."""
