"""Studies and invite links for browser tests."""

from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from db.engine import write_session
from db.queries import arms_of
from db.tables import ConsentText, Item, Participant, Study, StudyInstrument
from recux.access.invites import create_invites
from recux.instruments import read
from tests.e2e.server import Server
from tests.planting import plant_study

ITEMS = [
    ("Linen summer dress", "Loose fit, side pockets, washed linen. Falls just below the knee.", "Dresses", 59.9),
    ("Merino crew sweater", "Fine knit, soft on the skin, keeps its shape after washing.", "Knits", 79.0),
    ("Wide-leg jeans", "High waist and a straight, wide leg in rigid denim.", "Jeans", 89.5),
    ("Silk blouse", "Covered buttons and a small collar. Dry clean only.", "Blouses", 120.0),
]
KINDS = Path(__file__).parent / "kinds.toml"
CONSENT = {
    "en": (
        "You will see a few recommended items and rate them, and then answer some short questions. It takes about "
        "five minutes.\n\nTaking part is voluntary. Your answers are kept under a pseudonym, and you can download or "
        "erase them at any time under “My data”."
    ),
    "zh_CN": (
        "您将看到几项推荐内容并为它们打分，然后回答几个简短的问题，大约需要五分钟。\n\n"
        "参与完全自愿。您的回答以化名保存，您随时可以在“我的数据”中下载或删除。"
    ),
}


def plant_shop(engine: sa.Engine, **fields: object) -> Study:
    """A live study with four items of clothing and the default questionnaires."""
    options = {"instruments": ["nps", "csat"], "slate_size": len(ITEMS), "items": 0, "arms": ("popular",)} | fields
    with write_session(engine) as session:
        study = plant_study(session, f"shop-{uuid4().hex[:8]}", **options)
        study.title = "Spring pilot"
        for arm in arms_of(session, study.id):
            arm.source = "popularity"
        study.launched_at = study.created_at
        for n, (title, description, category, price) in enumerate(ITEMS):
            session.add(
                Item(
                    study_id=study.id,
                    external_id=f"item-{n}",
                    title=title,
                    description=description,
                    category=category,
                    price=price,
                )
            )
        for language, text in CONSENT.items():
            session.add(ConsentText(study_id=study.id, language=language, text=text))
    return study


def keep_kinds(session: Session, study: Study) -> None:
    """Let the study ask a questionnaire of every kind of question, as if it had been launched with it."""
    kinds = read(KINDS)
    content = kinds.model_dump(mode="json")
    kept = {"version": kinds.version, "fingerprint": kinds.fingerprint, "content": content}
    session.add(StudyInstrument(study_id=study.id, instrument=kinds.id, **kept))


def invite(engine: sa.Engine, server: Server, study: Study) -> tuple[str, Participant]:
    """A new person's link, and the person."""
    with write_session(engine) as session:
        one = create_invites(session, study, count=1)[0]
        person = session.exec(select(Participant).where(Participant.external_id == one.participant_id)).one()
    return f"{server.url}/join/{one.token}", person


def settled(page: Page) -> None:
    """Wait until the page's script has run: what is typed or opened while it runs may be drawn anew, and empty."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()


def picture(page: Page, folder: Path, name: str) -> None:
    """A screenshot of the whole page."""
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
