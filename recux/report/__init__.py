"""What is known of a study, as JSON, HTML and Markdown."""

from recux.report.document import build_report, for_outsiders
from recux.report.paper import to_html, to_markdown

__all__ = ["build_report", "for_outsiders", "to_html", "to_markdown"]
