"""What is known of a study, as JSON, HTML and Markdown."""

from recux.report.document import build_report

__all__ = ["build_report"]
