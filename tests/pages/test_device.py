"""What kind of device somebody uses is told by the browser's name, and kept with the consent."""

import pytest

from recux.ui.device import kind_of

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148"
DROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"
SLATE = "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
IPAD = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Version/16.6 Mobile/15E148 Safari/604.1"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [(PHONE, "phone"), (DROID, "phone"), (SLATE, "tablet"), (IPAD, "tablet"), (LINUX, "desktop"), ("", None)],
)
def test_a_device_is_known_by_its_browser(user_agent: str, kind: str | None) -> None:
    assert kind_of(user_agent) == kind
