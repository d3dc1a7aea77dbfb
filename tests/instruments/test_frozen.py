"""A published version of a questionnaire never changes: a change of wording is a new version."""

import pytest

from recux.instruments import available, load

FROZEN = {
    ("attention", "1"): "0239c81c56205cce",
    ("attention", "2"): "8824d87b2589cef1",
    ("ces", "1"): "9d29521dd6b60f0f",
    ("csat", "1"): "7dca8a405f4d95d0",
    ("nps", "1"): "a866e1a43fddb180",
    ("resque", "1"): "303cd4d5784839d8",
    ("sus", "1"): "1d1757ae899eb053",
    ("trust", "1"): "95894b84a14a314a",
    ("umux_lite", "1"): "5fef0f2b9d4e55cd",
}


@pytest.mark.parametrize("instrument_id", available())
def test_what_a_version_asks_and_how_it_scores_stays_as_it_was_published(instrument_id: str) -> None:
    published = FROZEN.get((instrument_id, load(instrument_id).version))
    assert published == load(instrument_id).fingerprint[:16], "count the version up, and add the new fingerprint here"
