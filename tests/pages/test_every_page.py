"""What every admin page does: begin, language, links to a study, foreign text."""

from db.engine import write_session
from recux.ui import navigation
from recux.ui.story import ADMIN_PAGES
from tests.pages.planted import texts
from tests.planting import plant_study

PAGES = [page.name for page in ADMIN_PAGES]


def test_without_any_study_every_page_says_how_to_begin(open_as) -> None:
    at = open_as("admin")
    for page in PAGES:
        shown = texts(at.switch_page(f"pages/admin/{page}.py").run())
        assert "Welcome to recux" in shown or page in {"studies", "team"}, page


def test_without_answers_every_page_says_what_to_do_next(open_as, empty) -> None:
    at = open_as("admin")
    for page in PAGES:
        shown = at.switch_page(f"pages/admin/{page}.py").run()
        assert texts(shown)
        assert page in {"studies", "team", "experiment"} or shown.info or shown.button, page


def test_a_link_opens_the_study_it_names(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, "other", arms=("x",))
    at = open_as("viewer", study="shop")
    assert at.sidebar.selectbox[0].value == "shop"
    at = open_as("viewer", study="other")
    assert at.sidebar.selectbox[0].value == "other"
    at.sidebar.selectbox[0].select("shop").run()
    assert at.query_params["study"] == "shop"


def test_pages_speak_chinese_to_chinese_browsers(open_as, finished) -> None:
    at = open_as("viewer", "overview")
    at.context = {"locale": "zh-CN"}
    assert "满意" in at.run().title[0].value


def test_foreign_text_is_shown_letter_by_letter(open_as, sqlite_engine, finished) -> None:
    at = open_as("viewer", "suggestions")
    assert r"Arm \*b\* is slow" in at.subheader[0].value


def test_a_page_that_the_database_fails_says_so_once_and_does_not_run_again_and_again(
    open_as, sqlite_engine, empty, monkeypatch
) -> None:
    runs = []
    chosen = navigation._choose
    monkeypatch.setattr(navigation, "_choose", lambda: runs.append(1) or chosen())
    at = open_as("viewer", "rounds")
    before = len(runs)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE batch_row RENAME TO gone")
    at.run()
    assert "The database does not answer" in texts(at)
    assert len(runs) == before + 1
