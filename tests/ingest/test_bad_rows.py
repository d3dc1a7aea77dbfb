"""A row that breaks a rule is put aside with its place and the reason, and by default nothing is written."""

import pytest

from db.engine import write_session
from db.tables import Participant, now
from recux.errors import InvalidInput
from recux.ingest import Refused, import_rows
from tests.ingest.conftest import SLUG, counts

ITEM_HEADER = "item_id,title\n"
RATING_HEADER = "participant_id,item_id,rating\n"
FULL_RATING = "participant_id,item_id,rating,comment,slate_id,rated_at,recommended\n"
SLATE_HEADER = "slate_id,participant_id,arm,item_id,position,score\n"
RESPONSE_HEADER = "participant_id,instrument,question,value,text,wave\n"
REQUEST_HEADER = "requested_at,duration_ms,outcome,http_status,arm,slate_id\n"
CLICK_HEADER = "participant_id,item_id,kind,occurred_at,dwell_ms,slate_id\n"

BAD = [
    ("ratings", FULL_RATING + "p,i1,7,,,,", "rating", "outside 1 to 5"),
    ("ratings", FULL_RATING + "p,i1,0,,,,", "rating", "outside 1 to 5"),
    ("ratings", FULL_RATING + "p,i1,good,,,,", "rating", "not a number"),
    ("ratings", FULL_RATING + "p,i1,nan,,,,", "rating", "not a finite number"),
    ("ratings", FULL_RATING + "p,i1,inf,,,,", "rating", "not a finite number"),
    ("ratings", FULL_RATING + "p,i1,,,,,", "rating", "is empty"),
    ("ratings", FULL_RATING + "p,i9,3,,,,", "item_id", "unknown item"),
    ("ratings", FULL_RATING + ",i1,3,,,,", "participant_id", "is empty"),
    ("ratings", FULL_RATING + "p\0,i1,3,,,,", "participant_id", "U+0000"),
    ("ratings", FULL_RATING + "p" * 256 + ",i1,3,,,,", "participant_id", "at most 255"),
    ("ratings", FULL_RATING + "p,i1,3,a\0b,,,", "comment", "U+0000"),
    ("ratings", FULL_RATING + "p,i1,3,,s9,,", "slate_id", "unknown slate"),
    ("ratings", FULL_RATING + "q,i1,3,,s1,,", "slate_id", "another person"),
    ("ratings", FULL_RATING + "p,i2,3,,s1,,", "slate_id", "does not hold item i2"),
    ("ratings", FULL_RATING + "p,i1,3,,,2026-01-01T00:00:00,", "rated_at", "no time zone"),
    ("ratings", FULL_RATING + "p,i1,3,,,soon,", "rated_at", "not a time"),
    ("ratings", FULL_RATING + "p,i1,3,,,,yes", "recommended", "neither 0 nor 1"),
    ("ratings", RATING_HEADER + "p,i1", "", "2 cells where the header has 3"),
    ("items", "item_id,title,price\nx,X,cheap", "price", "not a number"),
    ("items", ITEM_HEADER + "x,", "title", "is empty"),
    ("participants", "participant_id,arm\nx,third", "arm", "not one of this study's arms: old, new"),
    ("participants", "participant_id,language\nx,mandarin-simplified", "language", "at most 16"),
    ("slates", SLATE_HEADER + "s2,p,third,i1,1,", "arm", "not one of this study's arms"),
    ("slates", SLATE_HEADER + "s2,p,old,i1,0,", "position", "outside 1 to"),
    ("slates", SLATE_HEADER + "s2,p,old,i1,1.5,", "position", "not a whole number"),
    ("slates", SLATE_HEADER + "s2,p,old,i9,1,", "item_id", "unknown item"),
    ("slates", SLATE_HEADER + "s1,q,old,i1,2,", "participant_id", "slate s1 belongs to p"),
    ("slates", SLATE_HEADER + "s1,p,new,i1,2,", "arm", "another arm"),
    ("slates", SLATE_HEADER + "s1,p,old,i2,1,", "position", "position 1 of slate s1 already holds another item"),
    ("interactions", CLICK_HEADER + "p,i1,stare,0,,", "kind", "not one of view, click, purchase, dismiss, like, know"),
    ("interactions", CLICK_HEADER + "p,i1,view,,,", "occurred_at", "is empty"),
    ("interactions", CLICK_HEADER + "p,i1,view,0,-5,", "dwell_ms", "range from 0 up"),
    ("responses", RESPONSE_HEADER + "p,moods,score,1,,", "instrument", "moods"),
    ("responses", RESPONSE_HEADER + "p,nps,colour,1,,", "question", "colour"),
    ("responses", RESPONSE_HEADER + "p,nps,score,11,,", "value", "0 and 10"),
    ("responses", RESPONSE_HEADER + "p,nps,score,6.5,,", "value", "not a whole number"),
    ("responses", RESPONSE_HEADER + "p,csat,score,0,,", "value", "1 and 5"),
    ("responses", RESPONSE_HEADER + "p,nps,score,1,,0", "wave", "outside 1 to"),
    ("requests", REQUEST_HEADER + "0,-1,ok,,,", "duration_ms", "range from 0 up"),
    ("requests", REQUEST_HEADER + "0,1e60,ok,,,", "duration_ms", "too long a duration"),
    ("interactions", CLICK_HEADER + "p,i1,view,0,1.1e12,", "dwell_ms", "too long a duration"),
    ("requests", REQUEST_HEADER + "0,1,fine,,,", "outcome", "not one of ok, error, timeout"),
    ("requests", REQUEST_HEADER + "0,1,,,,", "outcome", "no http_status"),
    ("requests", REQUEST_HEADER + "0,1,,99,,", "http_status", "outside 100 to 599"),
    ("requests", REQUEST_HEADER + "0,1,ok,,third,", "arm", "not one of this study's arms"),
    ("requests", REQUEST_HEADER + "0,1,ok,,,s9", "slate_id", "unknown slate"),
]


@pytest.fixture
def base(into_sqlite):
    into_sqlite.items("i1", "i2")
    into_sqlite.text("slates", SLATE_HEADER + "s1,p,old,i1,1,\n")
    return into_sqlite


@pytest.mark.parametrize(("kind", "content", "column", "reason"), BAD)
def test_a_bad_row_is_put_aside_with_its_place_and_reason(base, kind, content, column, reason):
    result = base.text(kind, content + "\n", name="bad.csv", skip_bad=True)
    assert counts(result) == (0, 0, 0, 1)
    [row] = base.quarantine(result.quarantine_file)
    assert (row["file"], row["line"], row["column"]) == ("bad.csv", "2", column)
    assert reason in row["reason"]


def test_nothing_is_written_when_one_row_is_bad_and_the_message_says_what_to_do(into):
    into.items("i1")
    content = RATING_HEADER + 'p1,i1,4\n"p2",i1,7\np3,i1,5\n'
    with pytest.raises(Refused) as caught:
        into.text("ratings", content, name="mixed.csv")
    message, result = str(caught.value), caught.value.result
    assert "mixed.csv: nothing was written, because 1 of 3 rows" in message
    assert "line 3, rating is outside 1 to 5 (found: '7')" in message
    assert str(result.quarantine_file) in message
    assert "--skip-bad" in message
    assert counts(result) == (0, 0, 2, 1)
    assert into.one("select count(*) from rating") == 0
    assert into.one("select count(*) from participant") == 0


def test_skipping_bad_rows_keeps_the_good_ones(into):
    into.items("i1")
    content = RATING_HEADER + "p1,i1,4\np2,i1,7\np3,i9,5\np4,i1,5\n"
    result = into.text("ratings", content, skip_bad=True)
    assert counts(result) == (2, 0, 0, 2)
    assert [(row["line"], row["value"]) for row in into.quarantine(result.quarantine_file)] == [("3", "7"), ("4", "i9")]
    assert into.rows("select external_id from participant order by 1") == [("p1",), ("p4",)]
    assert counts(into.text("ratings", content, skip_bad=True)) == (0, 0, 2, 2)


def test_a_dry_run_counts_the_same_and_keeps_nothing(into):
    into.items("i1")
    content = RATING_HEADER + "p1,i1,4\np2,i1,3\n"
    assert counts(into.text("ratings", content, dry_run=True)) == (2, 0, 0, 0)
    assert into.one("select count(*) from rating") == 0
    assert into.one("select count(*) from participant") == 0
    assert counts(into.text("ratings", content)) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("ratings", FULL_RATING + "p,i1,3,,,,\np,i1,4,,,,\n"),
        ("items", ITEM_HEADER + "x,X\nx,Y\n"),
        ("participants", "participant_id,cohort\nx,a\nx,b\n"),
        ("slates", SLATE_HEADER + "s2,p,old,i1,1,0.5\ns2,p,old,i2,1,0.5\n"),
        ("slates", SLATE_HEADER + "s2,p,old,i1,1,0.5\ns2,p,old,i1,1,0.6\n"),
        ("responses", RESPONSE_HEADER + "p,nps,score,3,,\np,nps,score,4,,\n"),
    ],
)
def test_a_file_that_contradicts_itself_keeps_the_first_row_and_names_its_line(base, kind, content):
    result = base.text(kind, content, skip_bad=True)
    assert counts(result) == (1, 0, 0, 1)
    [row] = base.quarantine(result.quarantine_file)
    assert row["line"] == "3"
    assert "line 2" in row["reason"]
    assert counts(base.text(kind, content, skip_bad=True)) == (0, 0, 1, 1)


def test_the_same_row_twice_in_a_file_is_one_row(base):
    for kind, content in [
        ("ratings", FULL_RATING + "p,i1,3,x,,,1\np,i1,3.0,x,,,true\n"),
        ("items", ITEM_HEADER + "x,X\n" * 2),
        ("slates", SLATE_HEADER + "s2,p,old,i1,1,0.5\n" * 2),
        ("responses", RESPONSE_HEADER + "p,nps,score,3,,\n" * 2),
    ]:
        assert counts(base.text(kind, content)) == (1, 0, 1, 0), kind


def test_a_contradiction_is_found_across_chunks(base, monkeypatch):
    monkeypatch.setattr("recux.ingest.run.CHUNK", 2)
    content = RATING_HEADER + "a,i1,1\nb,i1,2\nc,i1,3\na,i1,5\na,i1,1\n"
    result = base.text("ratings", content, skip_bad=True)
    assert counts(result) == (3, 0, 1, 1)
    assert (
        base.one(
            "select rating from rating where participant_id = (select id from participant where external_id = 'a')"
        )
        == 1
    )


def test_a_slate_may_span_chunks(base, monkeypatch):
    monkeypatch.setattr("recux.ingest.run.CHUNK", 2)
    content = SLATE_HEADER + "".join(f"s2,p,old,i{1 + n % 2},{n},\n" for n in range(1, 8))
    assert counts(base.text("slates", content)) == (7, 0, 0, 0)
    assert counts(base.text("slates", content)) == (0, 0, 7, 0)


def test_equal_clicks_in_different_chunks_are_still_counted(base, monkeypatch):
    monkeypatch.setattr("recux.ingest.run.CHUNK", 2)
    content = CLICK_HEADER + "p,i1,click,0,,\n" * 5
    assert counts(base.text("interactions", content)) == (5, 0, 0, 0)
    assert counts(base.text("interactions", content + "p,i1,click,0,,\n")) == (1, 0, 5, 0)


def test_lines_after_a_break_inside_a_field_are_the_physical_ones(base):
    content = FULL_RATING + 'p,i1,3,"one\ntwo\nthree",,,\nq,i1,9,,,,\n'
    result = base.text("ratings", content, skip_bad=True)
    [row] = base.quarantine(result.quarantine_file)
    assert (row["line"], row["value"]) == ("5", "9")


def test_a_value_that_looks_like_a_formula_cannot_run_in_the_quarantine_file(base):
    result = base.text("ratings", RATING_HEADER + 'p,"=HYPERLINK(""http://x"")",3\np,i1,-3\n', skip_bad=True)
    formula, number = base.quarantine(result.quarantine_file)
    assert formula["value"].startswith("'=")
    assert number["value"] == "-3"


def test_nothing_of_a_person_who_withdrew_is_taken_in(base):
    with write_session(base.engine) as session:
        session.add(Participant(study_id=1, external_id="gone", withdrawn_at=now()))
    for kind, content in [
        ("ratings", RATING_HEADER + "gone,i1,3\n"),
        ("responses", RESPONSE_HEADER + "gone,nps,score,3,,\n"),
        ("participants", "participant_id,cohort\ngone,x\n"),
        ("slates", SLATE_HEADER + "s2,gone,old,i1,1,\n"),
        ("interactions", CLICK_HEADER + "gone,i1,click,0,,\n"),
    ]:
        result = base.text(kind, content, skip_bad=True)
        assert counts(result) == (0, 0, 0, 1)
        assert "withdrawn" in result.rejected[0].reason


@pytest.mark.parametrize("kind", ["ratings", "items", "requests"])
def test_a_missing_column_is_named_with_those_present_and_the_way_to_map_it(base, kind):
    with pytest.raises(InvalidInput) as caught:
        base.text(kind, "colour,shape\nred,round\n", name="wrong.csv")
    message = str(caught.value)
    assert "wrong.csv" in message
    assert "colour, shape" in message
    assert "--map" in message


def test_a_wrong_separator_is_recognised(base):
    with pytest.raises(InvalidInput, match="must be separated by commas"):
        base.text("items", "item_id;title\ni1;One\n")


def test_a_row_of_json_without_a_column_that_others_have_is_put_aside(base):
    content = '{"item_id": "x", "title": "X"}\n{"item_id": "y"}\n'
    result = base.text("items", content, name="a.jsonl", skip_bad=True)
    assert counts(result) == (1, 0, 0, 1)
    assert result.rejected[0].reason == "title is missing"


def test_wrong_types_in_json_are_reasons_not_failures(base):
    rows = [
        {"item_id": {"a": 1}, "title": "X"},
        {"item_id": "x", "title": ["X"]},
        {"item_id": "x", "title": "X", "price": "1e999"},
        {"item_id": "x", "title": "X", "price": True},
        {"item_id": "x", "title": "\ud800"},
        {"item_id": True, "title": "named true"},
    ]
    result = import_rows(base.engine, SLUG, "items", rows, skip_bad=True)
    assert counts(result) == (1, 0, 0, 5)


def test_columns_that_nobody_uses_are_named(base):
    assert base.text("items", "item_id,title,ttle\nx,X,Y\n").ignored_columns == ("ttle",)


@pytest.mark.parametrize(
    ("rating", "mapping", "shown"),
    [("3", None, "3"), ("8.5", "[rescale.rating]\nfrom = [0, 10]", "8.5")],
)
def test_a_rating_that_is_put_aside_is_shown_as_it_stood_in_the_file(base, rating, mapping, shown):
    rows = f"p,i1,{rating},good\np,i1,{rating},bad\n"
    result = base.text("ratings", "participant_id,item_id,rating,comment\n" + rows, mapping=mapping, skip_bad=True)
    [row] = base.quarantine(result.quarantine_file)
    assert (row["line"], row["column"], row["value"]) == ("3", "rating", shown)


def test_a_number_without_an_end_is_no_name_and_no_text(base):
    content = '{"participant_id": "p", "item_id": 1e400, "rating": 3}\n'
    content += '{"participant_id": "p", "item_id": "i1", "rating": 3, "comment": -Infinity}\n'
    result = base.text("ratings", content, name="a.jsonl", skip_bad=True)
    found = [(row["column"], row["reason"]) for row in base.quarantine(result.quarantine_file)]
    assert found == [("item_id", "item_id is not a finite number"), ("comment", "comment is not a finite number")]


def test_a_list_among_cells_that_are_joined_is_refused_and_shown_for_nothing_else(base):
    content = '{"participant_id": "p", "item_id": "i1", "rating": 3, "a": ["x"], "b": "y"}\n'
    result = base.text("ratings", content, name="a.jsonl", mapping='[join]\ncomment = ["a", "b"]', skip_bad=True)
    [row] = base.quarantine(result.quarantine_file)
    assert (row["column"], row["value"], row["reason"]) == ("comment", "", "comment is a list, not text")
