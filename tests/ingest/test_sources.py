"""Files of every format become records with their physical lines, or are refused with a reason."""

import gzip
import io
import json
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recux.errors import InvalidInput, NotFound
from recux.ingest.sources import from_rows, open_source
from recux.ingest.values import moment

TABLE = 'item_id,title\n1,"A, with a ""quote"" and\na break"\n2,Zwei\n3,三\n'
CELLS = [{"item_id": "1", "title": 'A, with a "quote" and\na break'}, {"item_id": "2", "title": "Zwei"}]


def read(path):
    with open_source(path) as source:
        return list(source.records)


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_keeps_quotes_commas_and_breaks_inside_fields(tmp_path):
    records = read(written(tmp_path, "a.csv", TABLE))
    assert [record.cells for record in records[:2]] == CELLS


def test_lines_are_physical_lines_also_after_breaks_inside_fields(tmp_path):
    assert [record.line for record in read(written(tmp_path, "a.csv", TABLE))] == [2, 4, 5]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_line_ending(tmp_path, ending):
    records = read(written(tmp_path, "a.csv", f"item_id,title{ending}{ending}1,A{ending}2,B{ending}"))
    assert [(record.line, record.cells["title"]) for record in records] == [(3, "A"), (4, "B")]


def test_a_byte_order_mark_is_not_part_of_the_first_column(tmp_path):
    with open_source(written(tmp_path, "a.csv", b"\xef\xbb\xbfitem_id,title\n1,A\n")) as source:
        assert source.columns == ("item_id", "title")


def test_gzip_is_recognised_by_its_content_whatever_the_name(tmp_path):
    plain = read(written(tmp_path, "a.csv", TABLE))
    assert read(written(tmp_path, "b.csv", gzip.compress(TABLE.encode()))) == plain
    assert read(written(tmp_path, "b.csv.gz", gzip.compress(TABLE.encode()))) == plain


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "nameless"])
def test_json_lines_keep_numbers_lists_and_nulls(tmp_path, name):
    rows = [{"item_id": 1, "tags": ["a", "b"]}, {"item_id": 2, "tags": None}]
    content = "\n\n".join(json.dumps(row) for row in rows)
    records = read(written(tmp_path, name, content))
    assert [(record.line, record.cells) for record in records] == [(1, rows[0]), (3, rows[1])]


def test_parquet_keeps_types_and_counts_rows_from_one(tmp_path):
    frame = pd.DataFrame({"item_id": ["1", "2"], "price": [1.5, None]})
    frame.to_parquet(tmp_path / "a.parquet")
    records = read(tmp_path / "a.parquet")
    assert [(record.line, record.cells) for record in records] == [
        (1, {"item_id": "1", "price": 1.5}),
        (2, {"item_id": "2", "price": None}),
    ]


def test_gzipped_parquet_is_read_too(tmp_path):
    buffer = io.BytesIO()
    pd.DataFrame({"item_id": ["1"]}).to_parquet(buffer)
    assert len(read(written(tmp_path, "a.parquet.gz", gzip.compress(buffer.getvalue())))) == 1


def test_a_ragged_line_and_bad_json_are_problems_of_their_record_alone(tmp_path):
    first, bad, last = read(written(tmp_path, "a.csv", "a,b\n1,2\n1,2,3\n3,4\n"))
    assert (first.problem, last.problem) == (None, None)
    assert bad.line == 3
    assert "3 cells where the header has 2" in bad.problem
    content = '{"a": 1}\n{"a": \n[1]\n{"a": ' + "1" * 5000 + "}\n"
    _, wrong, array, endless = read(written(tmp_path, "a.jsonl", content))
    assert "not JSON" in endless.problem
    assert "not JSON" in wrong.problem
    assert "not a JSON object" in array.problem


def test_text_after_a_closing_quote_is_a_problem_of_its_record(tmp_path):
    bad, good = read(written(tmp_path, "a.csv", 'a,b\n"x"y,1\n2,3\n'))
    assert "write a quote inside a field twice" in bad.problem
    assert good.cells == {"a": "2", "b": "3"}


def gzip_of_many_rows():
    return gzip.compress(("a,b\n" + "".join(f"{n},{n * 7919 % 1013}\n" for n in range(20_000))).encode())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "is empty"),
        ("blank.csv", b"\n \n", "is empty"),
        ("mark.csv", b"\xef\xbb\xbf\n", "is empty"),
        ("header.csv", b"item_id,title\n", "holds no rows, only item_id, title"),
        ("binary.csv", bytes(range(256)) * 40, "binary file"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
        ("book.xlsx", b"PK\x03\x04" + bytes(100), "Excel workbook"),
        ("wide.csv", "item_id,title\n1,A\n".encode("utf-16"), "UTF-16"),
        ("latin.csv", "item_id,title\n1,A\n2,Caf\u00e9\n".encode("latin-1"), "line 3: byte 0xe9 is not UTF-8"),
        ("open.csv", b'a,b\n1,2\n3,"never closed\n4,5\n', "line 3: a quote that opens here is never closed"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "more than one column is named 'a'"),
        ("cut.csv.gz", gzip_of_many_rows()[:-2000], "ends in the middle of its gzip data"),
        ("torn.parquet", b"PAR1" + bytes(50), "damaged Parquet"),
        ("list.jsonl", b'[{"a": 1}]\n', "not a JSON object"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_name_and_the_reason(tmp_path, name, content, words):
    with pytest.raises(InvalidInput, match=name) as caught:
        read(written(tmp_path, name, content))
    assert words in str(caught.value)


def test_a_parquet_file_without_rows_is_refused(tmp_path):
    pd.DataFrame({"item_id": pd.Series([], dtype=str)}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InvalidInput, match=r"a\.parquet holds no rows, only item_id"):
        read(tmp_path / "a.parquet")


def test_a_missing_file_and_a_folder_are_not_found(tmp_path):
    with pytest.raises(NotFound, match="no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(NotFound, match="no such file"):
        read(tmp_path)


def test_typed_parquet_cells_become_plain_python_values(tmp_path):
    frame = pd.DataFrame(
        {
            "t": pd.to_datetime(["2026-01-01T00:00:00Z"]),
            "naive": pd.to_datetime(["2026-01-01"]),
            "kind": pd.Categorical(["view"]),
            "tags": [["a", "b"]],
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    [record] = read(tmp_path / "a.parquet")
    assert moment(record.cells["t"]) == datetime(2026, 1, 1, tzinfo=UTC)
    assert type(moment(record.cells["t"])) is datetime
    with pytest.raises(InvalidInput, match="no time zone"):
        moment(record.cells["naive"])
    assert (record.cells["kind"], record.cells["tags"]) == ("view", ["a", "b"])


def test_a_very_long_field_is_a_field_and_not_an_open_quote(tmp_path):
    [record] = read(written(tmp_path, "a.csv", "a,b\n1," + "x" * 300_000 + "\n"))
    assert len(record.cells["b"]) == 300_000


def test_what_is_not_a_number_is_nothing_in_every_format(tmp_path):
    pd.DataFrame({"id": [1.0, float("nan")], "comment": ["a", None]}).to_parquet(tmp_path / "a.parquet")
    assert [record.cells for record in read(tmp_path / "a.parquet")] == [
        {"id": 1.0, "comment": "a"},
        {"id": None, "comment": None},
    ]
    [plain] = read(written(tmp_path, "a.jsonl", '{"id":NaN,"tags":["a",NaN]}\n'))
    [spaced] = read(written(tmp_path, "b.jsonl", '{"id" : NaN, "tags" : ["a", NaN]}\n'))
    assert plain.cells == spaced.cells == {"id": None, "tags": ["a", None]}
    assert [record.cells for record in from_rows([{"id": float("nan"), "n": 1}], "rows").records] == [
        {"id": None, "n": 1}
    ]


def test_empty_columns_without_a_name_are_left_out_and_one_cell_in_them_is_a_problem(tmp_path):
    path = written(tmp_path, "a.csv", "item_id,title,,\n1,A,,\n2,B,, \n3,C,x,\n")
    with open_source(path) as source:
        assert source.columns == ("item_id", "title")
        records = list(source.records)
    assert [record.cells.get("title") for record in records] == ["A", "B", None]
    assert [record.problem for record in records] == [None, None, "has a value in a column without a name"]


def test_one_column_without_a_name_can_be_mapped(tmp_path):
    with open_source(written(tmp_path, "a.csv", ",title\n0,A\n")) as source:
        assert (source.columns, next(source.records).cells) == (("", "title"), {"": "0", "title": "A"})


def test_two_columns_of_one_name_are_refused_in_parquet_too(tmp_path):
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["item_id", "item_id"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InvalidInput, match=r"a\.parquet: more than one column is named 'item_id'"):
        read(tmp_path / "a.parquet")
