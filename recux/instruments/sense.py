"""What a file may not say although it could be read: questions that nobody could answer, or that are never asked.

Asked of files alone. What a study was launched with is shown as it is.
"""

from collections.abc import Iterator, Mapping

from recux.instruments.model import CHOICE, Instrument, Question

MOST_POINTS = 21
"""Of a scale: more buttons than that are no scale but a slider."""
MOST_STARS = 10
LONGEST_TEXT = 20_000
"""Characters of a free text; longer ones nobody types."""
LARGEST_VALUE = 1_000_000
"""Of an option; larger ones are mistakes, and browsers cannot count to any number."""


def senseless(instrument: Instrument) -> Iterator[str]:
    """What is wrong, one sentence each."""
    questions = {question.name: question for question in instrument.questions}
    for where, text in _texts(instrument):
        if not text.strip():
            yield f"{where} is empty"
    yield from _twice(instrument)
    for question in instrument.questions:
        yield from _too_long(question)
        yield from _useless(question)
        if question.expected is not None and not _possible(question, question.expected, question.expected):
            yield f"question {question.name!r}: expected = {question.expected:g} is no answer that can be given"
        if question.ask_if is not None:
            yield from _never_asked(question, questions)


def _texts(instrument: Instrument) -> Iterator[tuple[str, str]]:
    for language, text in instrument.title.items():
        yield f"title.{language}", text
    for question in instrument.questions:
        for language, text in question.text.items():
            yield f"text.{language} of question {question.name!r}", text
        for language, ends in question.ends.items():
            for end, text in zip(("lowest", "highest"), ends, strict=True):
                yield f"ends.{language} of question {question.name!r}: the {end}", text
        for option in question.options:
            for language, text in option.text.items():
                yield f"text.{language} of option {option.value} of question {question.name!r}", text
    for construct in instrument.constructs:
        for language, text in construct.title.items():
            yield f"title.{language} of construct {construct.name!r}", text


def _twice(instrument: Instrument) -> Iterator[str]:
    """Constructs of one name overwrite each other; a question that is named twice would weigh double."""
    names = [construct.name for construct in instrument.constructs]
    for construct in instrument.constructs:
        if names.count(construct.name) > 1:
            yield f"construct {construct.name!r} is there twice"
            return
        doubled = [name for name in construct.questions if construct.questions.count(name) > 1]
        if doubled:
            yield f"construct {construct.name!r} names question {doubled[0]!r} twice"


def _useless(question: Question) -> Iterator[str]:
    """What the question's kind does not have."""
    where = f"question {question.name!r} of kind {question.kind!r}"
    if question.options and question.kind not in CHOICE:
        yield f"{where} has no options; only single and multiple choices have"
    if question.ends and question.kind not in {"scale", "slider"}:
        yield f"{where} has no ends; only scales and sliders have"
    if any(abs(option.value) > LARGEST_VALUE for option in question.options):
        yield f"{where}: the values of options must lie between -{LARGEST_VALUE} and {LARGEST_VALUE}"
    if question.max_length > LONGEST_TEXT:
        yield f"{where}: max_length is {question.max_length}, at most {LONGEST_TEXT}"


def _too_long(question: Question) -> Iterator[str]:
    most = {"scale": MOST_POINTS, "stars": MOST_STARS}.get(question.kind)
    if most is None:
        return
    low, high = question.bounds
    if high - low + 1 > most:
        more = "; use a slider" if question.kind == "scale" else ""
        yield f"question {question.name!r} has {high - low + 1} points, at most {most} fit a phone{more}"


def _never_asked(question: Question, questions: Mapping[str, Question]) -> Iterator[str]:
    condition = question.ask_if
    assert condition is not None
    other = questions[condition.question]
    if other.kind in {"text", "multiple"}:
        yield f"question {question.name!r}: ask_if names {other.name!r}, a {other.kind} question, which has no number"
        return
    low = float("-inf") if condition.at_least is None else condition.at_least
    high = float("inf") if condition.at_most is None else condition.at_most
    if not _possible(other, low, high):
        yield f"question {question.name!r} is never asked: no answer to {other.name!r} lies within its ask_if"


def _possible(question: Question, low: float, high: float) -> bool:
    """Whether an answer from ``low`` to ``high`` can be given."""
    if question.kind == "single":
        return any(low <= option.value <= high for option in question.options)
    if question.low is None:
        return False
    lowest, highest = question.bounds
    return max(low, lowest) <= min(high, highest)
