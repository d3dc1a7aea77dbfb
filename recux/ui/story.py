"""The pages there are, in the order in which they tell their story, and who may open them."""

from typing import NamedTuple


class AdminPage(NamedTuple):
    """One entry of the story that the admin pages tell."""

    name: str
    """File below ``pages/admin/`` and address."""
    icon: str
    role: str
    """The least role that may open it."""
    chapter: str
    """Where in the story it stands."""


PARTICIPANT_PAGES = ("welcome", "preferences", "rate", "survey", "thanks", "my_data")
ADMIN_PAGES = (
    AdminPage("overview", ":material/home:", "viewer", "results"),
    AdminPage("experiment", ":material/balance:", "viewer", "results"),
    AdminPage("effect", ":material/ads_click:", "viewer", "results"),
    AdminPage("comments", ":material/forum:", "viewer", "results"),
    AdminPage("stability", ":material/speed:", "viewer", "results"),
    AdminPage("take_away", ":material/download:", "viewer", "results"),
    AdminPage("rounds", ":material/cycle:", "viewer", "improve"),
    AdminPage("suggestions", ":material/lightbulb:", "viewer", "improve"),
    AdminPage("studies", ":material/science:", "viewer", "set_up"),
    AdminPage("people", ":material/group:", "viewer", "collect"),
    AdminPage("import_data", ":material/upload_file:", "analyst", "collect"),
    AdminPage("team", ":material/badge:", "admin", "team"),
)
CHAPTERS = ("set_up", "collect", "results", "improve", "team")
"""The story: set up, collect, results, improve, team. It opens at the results, where one looks every day."""
LEAST_ROLE = {page.name: page.role for page in ADMIN_PAGES}
"""The least role that may open a page, by name."""
