"""Map files turn other people's columns into ours, and say so when they cannot."""

import pandas as pd
import pytest

from recux.errors import InvalidInput, NotFound
from recux.ingest import Refused, read_map
from tests.ingest.conftest import counts

RATINGS = "user,film,stars,title,text,liked\n7,1,3.0,Fine,Quite good,yes\n8,2,0.5,,,no\n"
MAP = """
[columns]
participant_id = "user"
item_id = "film"
rating = "stars"
recommended = "liked"
[constants]
participant_id_prefix = "u-"
item_id_prefix = "f-"
[values.recommended]
yes = 1
no = 0
[rescale.rating]
from = [0.5, 5.0]
[join]
comment = ["title", "text"]
[options]
create_items = true
"""


def test_columns_constants_values_rescale_and_join_work_together(into):
    assert counts(into.text("ratings", RATINGS, mapping=MAP)) == (2, 0, 0, 0)
    query = """select participant.external_id, item.external_id, rating, raw_rating, raw_scale, comment, recommended
        from rating join participant on participant.id = participant_id join item on item.id = item_id order by 1"""
    first, second = into.rows(query)
    assert first[:2] == ("u-7", "f-1")
    assert first[2] == pytest.approx(1 + 2.5 * 4 / 4.5)
    assert (*first[3:6], bool(first[6])) == (3.0, "0.5..5", "Fine\nQuite good", True)
    assert (*second[:6], bool(second[6])) == ("u-8", "f-2", 1.0, 0.5, "0.5..5", None, False)
    assert counts(into.text("ratings", RATINGS, mapping=MAP)) == (0, 0, 2, 0)


def test_a_value_outside_the_scale_that_is_rescaled_is_bad(into_sqlite):
    with pytest.raises(Refused, match=r"rating is outside 0.5 to 5"):
        into_sqlite.text("ratings", RATINGS.replace("3.0", "5.5"), mapping=MAP)


def test_created_items_take_what_the_first_row_says_of_them(into):
    mapping = """
[columns]
"item.category" = "kind"
"item.tags" = "words"
"item.price" = "cost"
item.attr.maker = "by"
[join]
"item.title" = ["kind", "item_id"]
[separators]
"item.title" = " no. "
[options]
create_items = true
row_number_as = "participant_id"
"""
    content = "item_id,rating,kind,words,cost,by\n9,4,Dress,a;b,12.5,X\n9,5,Skirt,,,\n"
    assert counts(into.text("ratings", content, mapping=mapping)) == (2, 0, 0, 0)
    from sqlmodel import Session, select

    from db.tables import Item

    with Session(into.engine) as session:
        [item] = session.exec(select(Item))
    assert (item.title, item.category, item.tags, item.price) == ("Dress no. 9", "Dress", ["a", "b"], 12.5)
    assert item.attributes == {"maker": "X"}
    assert into.rows("select external_id from participant order by 1") == [("1",), ("2",)]


def test_without_create_items_unknown_items_stay_unknown(into_sqlite):
    with pytest.raises(Refused, match=r"unknown item"):
        into_sqlite.text("ratings", RATINGS, mapping=MAP.replace("true", "false"))


def test_units_become_milliseconds_and_zones_utc(into):
    mapping = """
columns = {requested_at = "t", duration_ms = "seconds"}
units = {duration_ms = "s"}
options = {timezone = "Asia/Shanghai"}
"""
    into.text("requests", "t,seconds,outcome\n2026-01-01 08:00:00,0.25,ok\n", mapping=mapping)
    from sqlmodel import Session, select

    from db.tables import Request

    with Session(into.engine) as session:
        request = session.exec(select(Request)).one()
    assert request.duration_ms == 250
    assert request.requested_at.isoformat() == "2026-01-01T00:00:00+00:00"


def test_separators_cut_lists_and_take_the_first_part_of_others(into):
    mapping = """
columns = {tags = "genres", category = "genres"}
separators = {tags = "|", category = "|"}
values.tags = {none = ""}
"""
    into.text("items", "item_id,title,genres\n1,A,Drama|War\n2,B,none\n", mapping=mapping)
    from sqlmodel import Session, select

    from db.tables import Item

    with Session(into.engine) as session:
        items = session.exec(select(Item).order_by(Item.external_id)).all()
    assert [(item.category, item.tags) for item in items] == [("Drama", ["Drama", "War"]), ("none", [])]


def test_values_are_translated_for_typed_cells_too(into_sqlite):
    into_sqlite.items("i1")
    mapping = '[values.recommended]\nY = 1\n[values.rating]\n"10" = 5\ntrue = 4'
    content = '{"participant_id": 1, "item_id": "i1", "rating": 10.0, "recommended": "Y"}\n'
    content += '{"participant_id": 2, "item_id": "i1", "rating": true, "recommended": 0}\n'
    into_sqlite.text("ratings", content, name="a.jsonl", mapping=mapping)
    assert into_sqlite.rows("select rating from rating order by id") == [(5.0,), (4.0,)]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ('[columns]\nuser_id = "user"', "'user_id', which ratings do not have; they have participant_id, item_id"),
        ('[columns]\nparticipant_id = "usr"', "from the column 'usr', which the file does not have; it has user, film"),
        ('[join]\ncomment = ["title", "body"]', "column 'body'"),
        ("[column]\na = 'b'", "column: is not a key that is known here"),
        ("[options]\ncreate_item = true", "options.create_item"),
        ('[options]\ntimezone = "Mars"', "not a time zone"),
        ("[rescale.rating]\nfrom = [5, 1]", "must be [lowest, highest]"),
        ("[rescale.rating]\nfrom = [-inf, inf]", "from = [-inf, inf] must be [lowest, highest], both finite"),
        ("[rescale.rating]\nfrom = [-1e308, 1e308]", "both finite"),
        ("[rescale.price]\nfrom = [1, 5]", "rescale.price"),
        ('[units]\nduration_ms = "fortnights"', "units.duration_ms"),
        ("[columns\n", "not a TOML file"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused_with_the_key(into_sqlite, mapping, words):
    with pytest.raises(InvalidInput) as caught:
        into_sqlite.text("ratings", RATINGS, mapping=mapping)
    assert words in str(caught.value)


def test_a_missing_map_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"no such map file"):
        read_map(tmp_path / "none.toml")


def test_cells_are_joined_as_a_person_would_write_them(into_sqlite):
    into_sqlite.items("i1")
    pd.DataFrame(
        {"participant_id": ["p", "q"], "item_id": "i1", "rating": 3, "words": "A", "number": [10.0, None]}
    ).to_parquet(into_sqlite.folder / "a.parquet")
    content = (into_sqlite.folder / "a.parquet").read_bytes()
    mapping = '[join]\ncomment = ["words", "number"]\n[separators]\ncomment = " "'
    into_sqlite.text("ratings", content, name="a.parquet", mapping=mapping)
    assert into_sqlite.rows("select comment from rating order by id") == [("A 10",), ("A",)]
