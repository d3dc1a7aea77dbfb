"""Whoever launches a study hears of pictures that nobody would see."""

import pytest
import sqlalchemy as sa
from sqlmodel import select

from db.engine import write_session
from db.tables import ConsentText, Item
from recux.collect.studies import launch_study
from tests.planting import plant_study


def test_a_launch_names_the_hosts_of_pictures_that_no_browser_may_load(
    sqlite_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUX_IMAGE_HOSTS", "Named.example.org, other.example")
    with write_session(sqlite_engine) as session:
        study = plant_study(session, slate_size=2)
        study.status = "draft"
        session.add_all(ConsentText(study_id=study.id, language=one, text="Take part?") for one in study.languages)
        urls = ["https://named.example.org/1.png", "https://img.shop.example/2.png", "javascript:alert(1)", None]
        for item, url in zip(session.exec(select(Item)).all(), urls, strict=True):
            item.image_url = url
        (said,) = [one for one in launch_study(session, study) if "picture" in one]
    assert said.startswith("pictures from img.shop.example are not shown")
    assert "RECUX_IMAGE_HOSTS" in said
