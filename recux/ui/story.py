"""The pages there are, in the order in which they tell their story, and who may open them."""

from typing import NamedTuple


class AdminPage(NamedTuple):
    """One entry of the story that the admin pages tell."""

    name: str
    """File below ``pages/admin/`` and address."""
    icon: str
    role: str
    """The least role that may open it."""


PARTICIPANT_PAGES = ("welcome", "preferences", "rate", "survey", "thanks", "my_data")
ADMIN_PAGES = (
    AdminPage("overview", ":material/home:", "viewer"),
    AdminPage("experiment", ":material/balance:", "viewer"),
    AdminPage("effect", ":material/ads_click:", "viewer"),
    AdminPage("comments", ":material/forum:", "viewer"),
    AdminPage("stability", ":material/speed:", "viewer"),
    AdminPage("rounds", ":material/cycle:", "viewer"),
    AdminPage("suggestions", ":material/lightbulb:", "viewer"),
    AdminPage("take_away", ":material/download:", "viewer"),
    AdminPage("studies", ":material/science:", "viewer"),
    AdminPage("people", ":material/group:", "viewer"),
    AdminPage("import_data", ":material/upload_file:", "analyst"),
    AdminPage("team", ":material/badge:", "admin"),
)
LEAST_ROLE = {page.name: page.role for page in ADMIN_PAGES}
"""The least role that may open a page, by name."""
