"""Words of comments that name no cause, in English (words) and Chinese (characters); no list of expected complaints.

Function words and words that only say how much somebody liked something are left out, because "not good" names no
cause. They are common words of the two languages, not of any study.
"""

FUNCTION_WORDS = """
a about above after again all also am an and any are as at be because been before being but by can could did do does
doing done don't down each even ever few for from further get gets getting got had has have having he her here hers
him his how i i'm i've if in into is isn't it it's its itself just like just made make makes many me more most much
my myself no nor not now of off on once one only or other our out over own put quite rather really same say says she
should so some still such than that that's the their them then there these they thing things this those though
through to too two under until up us use used very want wanted was wasn't way we well were what when where which
while who why will with without would you your
"""
EVALUATIVE_WORDS = """
amazing annoyed annoying awesome awful average bad best better bored boring brilliant cool disappointed
disappointing dislike disliked enjoy enjoyed excellent fantastic fine good great happy hate hated horrible
interested interesting lovely love loved mediocre meh nice ok okay perfect perfectly pleasant pleased poor poorly
recommend recommended satisfied terrible unhappy waste wonderful worse worst worth wow
"""
FUNCTION = frozenset(FUNCTION_WORDS.split())
EVALUATIVE = frozenset(EVALUATIVE_WORDS.split())
FUNCTION_HAN = frozenset("的了是我你他她它们很也都就不没有在和与这那个着过得地又还而但把被给让吧吗呢啊太最更些什么怎")
EVALUATIVE_HAN_WORDS = """
喜欢 不错 很好 挺好 一般 讨厌 满意 失望 推荐 很差 太差 糟糕 完美 还行 可以 感觉 觉得
"""
EVALUATIVE_HAN = tuple(EVALUATIVE_HAN_WORDS.split())


def says_something_han(run: str) -> bool:
    """Whether a run of Chinese characters may name a cause."""
    if run[0] in FUNCTION_HAN or run[-1] in FUNCTION_HAN:
        return False
    rest = run
    for word in EVALUATIVE_HAN:
        rest = rest.replace(word, "")
    return bool(rest) and any(c not in FUNCTION_HAN for c in rest)
