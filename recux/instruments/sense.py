"""What a file may not say although it could be read: questions that nobody could answer, or that are never asked.

Asked of files alone. What a study was launched with is shown as it is.
"""

from collections.abc import Iterator, Mapping

from recux.instruments.model import Instrument, Question

MOST_POINTS = 21
"""Of a scale: more buttons than that are no scale but a slider."""
MOST_STARS = 10


def senseless(instrument: Instrument) -> Iterator[str]:
    """What is wrong, one sentence each."""
    questions = {question.name: question for question in instrument.questions}
    for where, text in _texts(instrument):
        if not text.strip():
            yield f"{where} is empty"
    for question in instrument.questions:
        yield from _too_long(question)
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
        for option in question.options:
            for language, text in option.text.items():
                yield f"text.{language} of option {option.value} of question {question.name!r}", text


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
