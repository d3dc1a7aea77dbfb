import pandas as pd
import pytest

from db.engine import write_session
from db.tables import ImportRun
from recux.evaluation.data_quality import count, flagged_shares, flags, unanswered, without, words_in
from recux.evaluation.scope import live
from recux.evaluation.texts import quarantined
from tests.evaluation.world import KNOWN, answers_frame, ratings_frame
from tests.planting import START, plant_study

NO_COMMENTS = pd.DataFrame({"participant": [], "comment": []}).astype({"participant": "int64", "comment": "str"})
NO_TIMINGS = pd.DataFrame({"participant": [], "seconds": [], "words": []}).astype("float64")


def reasons(ratings=None, answers=None, comments=NO_COMMENTS, timings=NO_TIMINGS):
    ratings = ratings_frame([]) if ratings is None else ratings
    answers = answers_frame([]) if answers is None else answers
    found = flags(ratings, answers, comments, timings, KNOWN)
    return set(zip(found["participant"], found["reason"], strict=True))


def test_the_same_rating_for_five_items_is_straight_lining_and_for_four_is_not():
    rows = [(1, "a", 5)] * 5 + [(2, "a", 5)] * 4 + [(3, "a", 5)] * 4 + [(3, "a", 4)]
    assert reasons(ratings_frame(rows)) == {(1, "straight_lining")}


def sus(person, values):
    return [(person, "a", "sus", f"q{n}", value) for n, value in enumerate(values, start=1)]


def test_the_same_answer_to_plain_and_reversed_questions_is_straight_lining():
    answers = answers_frame(sus(1, [3] * 10) + sus(2, [4, 2] * 5))
    assert reasons(answers=answers) == {(1, "straight_lining")}


def test_agreeing_with_a_statement_and_its_opposite_is_a_contradiction():
    answers = answers_frame(sus(1, [5, 5, 4, 5, 5, 5, 5, 4, 5, 5]) + sus(2, [5, 1] * 5))
    assert reasons(answers=answers) == {(1, "contradiction")}


def test_ratings_faster_than_a_second_are_too_fast_but_a_log_with_equal_times_is_not():
    quick = ratings_frame([(1, "a", r) for r in (1, 5, 2, 4, 3, 1)])
    assert reasons(quick) == set()
    quick["moment"] = [pd.Timestamp(START) + pd.Timedelta(milliseconds=300 * n) for n in range(6)]
    assert reasons(quick) == {(1, "too_fast")}


def test_a_questionnaire_answered_faster_than_it_can_be_read_is_too_fast():
    timings = pd.DataFrame({"participant": [1, 2], "seconds": [5.0, 30.0], "words": [100.0, 100.0]})
    assert reasons(timings=timings) == {(1, "too_fast")}


def test_the_same_long_comment_twice_is_a_duplicate_and_a_short_one_is_not():
    said = [(1, "Not at all what I wanted"), (1, "not at  all what I wanted"), (2, "good"), (2, "good")]
    assert reasons(comments=pd.DataFrame(said, columns=["participant", "comment"])) == {(1, "duplicate_comments")}


def test_a_long_comment_copied_from_somebody_else_flags_both():
    text = " ".join(f"word{n}" for n in range(20))
    comments = pd.DataFrame({"participant": [1, 2, 3], "comment": [text, text, "word0 word1"]})
    assert reasons(comments=comments) == {(1, "duplicate_comments"), (2, "duplicate_comments")}


@pytest.mark.parametrize(
    ("text", "words"), [("two words", 2), ("推荐很好", 4 / 1.5), ("很好 ok", 2 / 1.5 + 1), ("", 0)]
)
def test_chinese_characters_count_as_two_thirds_of_a_word(text, words):
    assert words_in(text) == pytest.approx(words)


def test_flagged_people_can_be_left_out_of_any_rows():
    ratings = ratings_frame([(1, "a", 5)] * 5 + [(2, "a", 1)])
    flagged = flags(ratings, answers_frame([]), NO_COMMENTS, NO_TIMINGS, KNOWN)
    assert without(ratings, flagged)["participant"].tolist() == [2]
    assert count(flagged)["straight_lining"] == 1
    assert flagged_shares(flagged, 2)["flagged.straight_lining"].value == 0.5


def test_a_question_without_an_answer_is_missing_and_a_refused_one_is_not():
    answers = answers_frame([(1, "a", "ces", "score", 5), (2, "a", "ces", "score", None), (3, "a", "ces", "why", 0)])
    answers.loc[1, "refused"] = True
    missing, refused = unanswered(answers, KNOWN)
    assert missing["ces/score"] == pytest.approx(1 / 3)
    assert refused == {"ces/score": pytest.approx(1 / 3)}


def test_a_file_that_was_imported_again_counts_its_quarantine_once(sqlite_engine):
    with write_session(sqlite_engine) as session:
        study = plant_study(session)
        for file, kind, put_aside in (
            ("a.csv", "ratings", 7),
            ("a.csv", "ratings", 3),
            ("a.csv", "items", 1),
            ("b.csv", "ratings", 2),
        ):
            session.add(ImportRun(study_id=study.id, kind=kind, file=file, quarantined=put_aside))
            session.flush()
        assert quarantined(session, live(study)) == 3 + 1 + 2
