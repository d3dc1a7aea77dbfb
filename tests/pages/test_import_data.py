"""The import page: look, map, try, import."""

import pytest
from sqlmodel import select

from db.engine import read_session
from db.tables import (
    Rating,
)
from tests.pages.planted import audited, field, press, texts


def test_a_file_is_tried_without_writing_then_imported(open_as, sqlite_engine, empty) -> None:
    at = open_as("analyst", "import_data")
    field(at.selectbox, "What is in").select("ratings").run()
    file = b"user,item_id,rating\nu1,i0,4\nu2,i1,5\n"
    at.file_uploader[0].upload("ratings.csv", file, "text/csv").run()
    field(at.selectbox, "participant_id").select("user").run()
    tried = press(at, "Try without writing")
    assert tried.dataframe[1].value["Written"].item() == 2
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Rating)).all() == []
    press(at, "Import")
    with read_session(sqlite_engine) as session:
        assert len(session.exec(select(Rating)).all()) == 2


def test_a_bad_row_is_shown_and_nothing_is_written(open_as, sqlite_engine, empty) -> None:
    at = open_as("analyst", "import_data")
    field(at.selectbox, "What is in").select("ratings").run()
    at.file_uploader[0].upload("r.csv", b"participant_id,item_id,rating\nu1,i0,7\nu2,i1,5\n", "text/csv").run()
    shown = press(at, "Import")
    assert "some rows break a rule" in texts(shown)
    assert shown.dataframe[2].value["Value"].tolist() == ["7"]
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Rating)).all() == []


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00", b"participant_id,item_id\n"])
def test_a_file_that_cannot_be_read_is_said_plainly(open_as, empty, content) -> None:
    at = open_as("analyst", "import_data")
    at.file_uploader[0].upload("x.csv", content or b" ", "text/csv").run()
    assert not at.exception
    assert at.error


def test_a_trial_lists_the_bad_rows_to_download_and_an_import_is_in_the_log(open_as, sqlite_engine, empty) -> None:
    at = open_as("analyst", "import_data")
    field(at.selectbox, "What is in").select("ratings").run()
    at.file_uploader[0].upload("r.csv", b"participant_id,item_id,rating\nu1,i0,7\nu2,i1,5\n", "text/csv").run()
    shown = press(at, "Try without writing")
    assert "1 to 5" in " ".join(shown.dataframe[2].value["Reason"])
    assert any(button.proto.label == "Download all of them" for button in shown.get("download_button"))
    assert audited(sqlite_engine) == []
    field(at.checkbox, "Keep the good rows").check()
    press(at, "Import")
    assert audited(sqlite_engine) == ["import.ratings"]
    again = open_as("analyst", "import_data")
    assert again.dataframe[0].value["written"].tolist() == [1], "earlier imports are listed"
