"""Questionnaires load, refuse nonsense, and score like their sources say."""

import re
from pathlib import Path

import pytest

from recux.errors import InvalidInput, NotFound
from recux.instruments import available, check_answer, construct_named, load, read

VALID = """
id = "tiny"
version = "1"
source = "own"
[title]
en = "Tiny"
[[questions]]
name = "a"
kind = "scale"
low = 1
high = 5
text.en = "A?"
[[questions]]
name = "b"
kind = "single"
text.en = "B?"
options = [{ value = 1, text.en = "one" }, { value = 2, text.en = "two" }]
[[constructs]]
name = "a"
questions = ["a"]
title.en = "A"
"""


def answers(digits: str) -> dict[str, float | None]:
    return {f"q{number}": float(digit) for number, digit in enumerate(digits, start=1)}


def written(folder: Path, text: str) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_promised_instruments_are_there() -> None:
    assert available() == ["attention", "ces", "csat", "nps", "resque", "sus", "trust", "umux_lite"]


@pytest.mark.parametrize("instrument_id", available())
def test_every_instrument_is_complete_in_english_and_chinese(instrument_id: str) -> None:
    instrument = load(instrument_id)
    assert instrument.languages == {"en", "zh_CN"}
    for question in instrument.questions:
        chinese = question.wording("zh_CN")
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert chinese != question.wording("en")


@pytest.mark.parametrize("instrument_id", available())
def test_every_scale_longer_than_its_numbers_says_what_its_ends_mean(instrument_id: str) -> None:
    for question in load(instrument_id).questions:
        assert question.kind != "scale" or question.end_labels("zh_CN") is not None


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("4152514231", 85), ("3333333333", 50), ("5151515151", 100), ("4241425242", 80)],
)
def test_sus_gives_the_published_scores(digits: str, expected: float) -> None:
    assert load("sus").score(answers(digits)) == {"usability": pytest.approx(expected)}


@pytest.mark.parametrize(("digits", "expected"), [("67", 91.6667), ("21", 8.3333)])
def test_umux_lite_gives_the_published_raw_scores(digits: str, expected: float) -> None:
    assert load("umux_lite").score(answers(digits))["usability"] == pytest.approx(expected, abs=1e-4)


def test_a_sus_with_a_question_left_out_has_no_score() -> None:
    assert load("sus").score({**answers("5151515151"), "q4": None}) == {"usability": None}


def test_reverse_keyed_questions_are_turned_round_in_scores() -> None:
    assert load("trust").score(answers("515111"))["transparency"] == 5


def test_resque_has_fifteen_questions_one_for_each_construct_of_its_source() -> None:
    resque = load("resque")
    assert len({question.topic for question in resque.questions}) == 15
    assert sorted(name for construct in resque.constructs for name in construct.questions) == sorted(
        question.name for question in resque.questions
    )


def test_a_follow_up_is_asked_only_when_its_condition_holds() -> None:
    csat = load("csat")
    assert [question.name for question in csat.asked({})] == ["score"]
    assert [question.name for question in csat.asked({"score": 3})] == ["score", "why"]
    assert [question.name for question in csat.asked({"score": 4})] == ["score"]


def test_zero_is_an_answer() -> None:
    nps = load("nps")
    check_answer(nps.question("score"), 0, None)
    assert [question.name for question in nps.asked({"score": 0})] == ["score", "why"]
    assert nps.score({"score": 0}) == {"score": 0}


@pytest.mark.parametrize("value", [-1, 11, 6.5, float("nan"), float("inf"), None])
def test_a_number_off_the_scale_is_refused(value: float | None) -> None:
    with pytest.raises(InvalidInput, match="score"):
        check_answer(load("nps").question("score"), value, None)


@pytest.mark.parametrize("text", [None, "", "  ", "a\0b", "x" * 5001])
def test_a_text_that_cannot_be_stored_is_refused(text: str | None) -> None:
    with pytest.raises(InvalidInput, match="why"):
        check_answer(load("nps").question("why"), None, text)


def test_choices_are_checked_against_the_options(tmp_path: Path) -> None:
    single = read(written(tmp_path, VALID)).question("b")
    check_answer(single, 2, None)
    with pytest.raises(InvalidInput, match="none of 1, 2"):
        check_answer(single, 3, None)
    multiple = single.model_copy(update={"kind": "multiple"})
    check_answer(multiple, None, "1;2")
    with pytest.raises(InvalidInput, match="none of 1, 2"):
        check_answer(multiple, None, "1;3")
    with pytest.raises(InvalidInput, match="not the value of an option"):
        check_answer(multiple, None, "1;one")


def test_an_unknown_instrument_or_question_is_named_with_what_there_is() -> None:
    with pytest.raises(NotFound, match="'npss'; there are attention, ces"):
        load("npss")
    with pytest.raises(NotFound, match="no question 'scores'; it has score, why"):
        load("nps").question("scores")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "tiny"', 'id = "other"', "must be the file's name"),
        ("high = 5", "high = 1", "low < high"),
        ("high = 5", 'high = 5\nends.de = ["a", "b"]', "ends of 'a' is in"),
        ('name = "b"', 'name = "a"', "there twice"),
        ('kind = "single"', 'kind = "radio"', r"questions\.2\.kind"),
        ('kind = "single"', 'kind = "single"\nask_if = { question = "c", at_most = 2 }', "earlier question"),
        ('kind = "single"', 'kind = "single"\nask_if = { question = "a" }', "at_least or at_most"),
        ('kind = "single"', 'kind = "single"\nrevers = true', r"questions\.2\.revers"),
        ('questions = ["a"]', 'questions = ["a", "z"]', "unknown questions: z"),
        ('questions = ["a"]', 'questions = ["b"]', "numeric and share one range"),
        ('questions = ["a"]', 'questions = ["a"]\nneed = 2', "need is 2"),
        ("value = 2", "value = 1", "two options with different values"),
        ('en = "Tiny"', 'de = "Winzig"', "title.en is missing"),
        ('version = "1"', "", "version"),
        ('version = "1"', "version = ", "not a TOML file"),
        ("high = 5", "high = 50", "'a' has 50 points, at most 21 fit a phone; use a slider"),
        ("high = 5", "high = 5\nexpected = 6", "expected = 6 is no answer that can be given"),
        ('kind = "single"', 'kind = "single"\nask_if = { question = "a", at_least = 6 }', "'b' is never asked"),
        ('en = "Tiny"', 'en = " "', "title.en is empty"),
        ("high = 5", 'high = 5\nends.en = ["low", " "]', "ends.en of question 'a': the highest is empty"),
        ('title.en = "A"', 'title.en = ""', "title.en of construct 'a' is empty"),
        ('questions = ["a"]', 'questions = ["a", "a"]', "construct 'a' names question 'a' twice"),
        (
            "[[constructs]]",
            '[[constructs]]\nname = "a"\nquestions = ["a"]\ntitle.en = "B"\n[[constructs]]',
            "'a' is there twice",
        ),
        ('kind = "single"', 'kind = "single"\nends.en = ["a", "b"]', "'b' of kind 'single' has no ends"),
        ("high = 5", 'high = 5\noptions = [{ value = 1, text.en = "x" }]', "'a' of kind 'scale' has no options"),
        ("value = 2", "value = 2000000", "must lie between -1000000 and 1000000"),
        ('text.en = "A?"', 'text = "A?"', r"questions\.1\.text: must have one text for each language"),
        ('text.en = "A?"', "", r"questions\.1\.text: is missing"),
        ('version = "1"', "version = 1", "version: must be a text, in quotes"),
        ('name = "a"', 'name = "A b"', r"questions\.1\.name: must be small letters"),
        ("low = 1", "low = 1.5", r"questions\.1\.low: must be a whole number"),
    ],
)
def test_a_broken_file_is_refused_with_the_place_and_the_rule(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        read(written(tmp_path, VALID.replace(old, new)))
    assert str(caught.value).startswith("tiny.toml: ")
    assert not re.search("Tuple|dictionary|Input|pattern", str(caught.value))


def test_an_installation_has_instruments_of_its_own_but_not_under_a_name_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUX_HOME", str(tmp_path))
    folder = tmp_path / "instruments"
    folder.mkdir()
    load.cache_clear()
    written(folder, VALID)
    assert load("tiny").version == "1"
    assert {"tiny", "nps"} <= set(available())
    (folder / "nps.toml").write_text(VALID.replace('"tiny"', '"nps"'), encoding="utf-8")
    with pytest.raises(InvalidInput, match="another name"):
        load("nps")
    load.cache_clear()


def test_a_construct_goes_by_its_title_in_both_languages():
    titles = construct_named("resque.recommendation_quality")
    assert titles == {"en": "RESQUE: Quality of the recommendations", "zh_CN": "RESQUE: 推荐质量"}
    assert [construct_named(name) for name in ("nps", "resque.nothing", "nobody.score")] == [None] * 3
