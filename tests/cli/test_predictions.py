"""What `recux predict` reads: tables with the right columns, or plain lines."""

import gzip
import io
import sys

import pytest

from recux.cli.predictions import read_pairs, read_texts
from recux.errors import InvalidInput, NotFound
from tests.cli.conftest import piped


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'id,text\n1,"Good, really"\n2,\n3,差\n'),
        ("a.jsonl", '{"text": "Good, really"}\n{"text": null}\n{"text": "差"}\n'),
        ("A.CSV", 'id,text\n1,"Good, really"\n2,\n3,差\n'),
        ("a.jsonl", '{"text": "Good, really"}\n{"text": NaN}\n{"text": "差"}\n'),
        ("a.txt", "Good, really\n\n差\n"),
        ("a.txt.gz", gzip.compress("Good, really\n\n差\n".encode())),
        ("a.txt", "Good, really\r\r差\r"),
        ("a.txt", "\ufeffGood, really\n\n差"),
        ("nameless", 'text,more\n"Good, really",x\n,y\n差,z\n'),
    ],
)
def test_texts_come_from_a_column_or_from_lines_in_order(tmp_path, name, content):
    assert read_texts(written(tmp_path, name, content)) == ["Good, really", "", "差"]


def test_what_stands_inside_a_line_does_not_divide_it(tmp_path):
    content = "slow\x0cbut fine\r\none\u2028comment\x85only\n"
    assert read_texts(written(tmp_path, "a.txt", content)) == ["slow\x0cbut fine", "one\u2028comment\x85only"]


def test_texts_come_from_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"gut\nschlecht\n")))
    assert read_texts(None) == ["gut", "schlecht"]


def test_texts_come_through_a_pipe(tmp_path):
    with piped(tmp_path, b"text,n\ngut,1\n") as pipe:
        assert read_texts(pipe) == ["gut"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "participant_id,item_id\np1, i1\np2,7\n"),
        ("a.jsonl", '{"participant_id": "p1", "item_id": "i1"}\n{"participant_id": "p2", "item_id": 7}\n'),
    ],
)
def test_pairs_come_from_two_columns(tmp_path, name, content):
    assert read_pairs(written(tmp_path, name, content)) == [("p1", "i1", 1), ("p2", "7", 1)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "position,participant_id,item_id\n3,p1,i1\n,p2,i2\n"),
        (
            "a.jsonl",
            '{"participant_id": "p1", "item_id": "i1", "position": 3}\n{"participant_id": "p2", "item_id": "i2"}\n',
        ),
    ],
)
def test_a_position_stands_beside_a_pair_and_is_the_first_where_none_is_given(tmp_path, name, content):
    assert read_pairs(written(tmp_path, name, content)) == [("p1", "i1", 3), ("p2", "i2", 1)]


@pytest.mark.parametrize("position", ["0", "-1", "top", "1.5"])
def test_a_position_that_is_none_is_said_with_its_row(tmp_path, position):
    with pytest.raises(InvalidInput, match=f"row 2: position '{position}' is "):
        read_pairs(written(tmp_path, "a.csv", f"participant_id,item_id,position\np,i,1\np,i,{position}\n"))


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InvalidInput, match="no column 'text'; it has a, b"):
        read_texts(written(tmp_path, "a.csv", "a,b\n1,2\n"))
    with pytest.raises(InvalidInput, match="no column 'item_id'"):
        read_pairs(written(tmp_path, "a.csv", "participant_id\np\n"))
    with pytest.raises(InvalidInput, match="row 2: participant_id and item_id must both"):
        read_pairs(written(tmp_path, "a.csv", "participant_id,item_id\np,i\np,\n"))
    with pytest.raises(InvalidInput, match=r"^a\.jsonl, line 2: text is a list, not text$"):
        read_texts(written(tmp_path, "a.jsonl", '{"text": "a"}\n{"text": ["a"]}\n'))
    with pytest.raises(InvalidInput, match="is empty"):
        read_texts(written(tmp_path, "a.txt", "\n"))
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read_texts(written(tmp_path, "a.txt", b"caf\xe9"))
    with pytest.raises(InvalidInput, match="is a folder"):
        read_texts(tmp_path)
    with pytest.raises(NotFound, match="no such file"):
        read_texts(tmp_path / "none.txt")
