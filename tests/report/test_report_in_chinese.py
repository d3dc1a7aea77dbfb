"""A report in Chinese holds no English sentence but foreign text, with everything in it and with nothing."""

import re

from db.engine import write_session
from recux.report import build_report, to_html, to_markdown
from tests.pages.test_chinese import ENGLISH
from tests.report.test_report import plant, plant_pilot, plant_round

FOREIGN = ("alert",)


def english_in(report) -> list[str]:
    page = re.sub(r"<style.*?</style>", "", to_html(report), flags=re.S)
    texts = {text.strip() for text in re.split(r"<[^>]*>", page)} | set(re.split(r"[|\n]", to_markdown(report)))
    return sorted(text for text in texts if ENGLISH.search(text) and not any(one in text for one in FOREIGN))


def test_a_report_in_chinese_holds_no_english_sentence(sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        study = plant(session)
        assert english_in(build_report(session, study, language="zh_CN")) == []
        plant_pilot(session, study)
        plant_round(session, study)
        assert english_in(build_report(session, study, language="zh_CN")) == []
