"""The report on paper: a page that stands alone, or Markdown."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from recux.report.drawings import drawings
from recux.report.language import _, current, writing
from recux.report.parts import Section, Table
from recux.report.view import sections

MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~])")


def to_html(report: Mapping[str, Any]) -> str:
    """One HTML page with everything in it: style, pictures, figures; no script, nothing from a network.

    Every text from the study is escaped.
    """
    with writing(report.get("language", "en")):
        return _template().render(
            report=report, sections=sections(report), drawings=drawings(report), say=_, language=current()
        )


def to_markdown(report: Mapping[str, Any]) -> str:
    """The report as Markdown; every text from the study is escaped, so that it can be no markup."""
    with writing(report.get("language", "en")):
        as_of = _("Study {study}, as of {moment}").format(study=report["study"], moment=report["generated_at"])
        head = f"# {escaped(report['title'])}\n\n{escaped(as_of)}"
        synthetic = _("Synthetic: the people in this study are simulated.")
        label = [f"**{synthetic}**"] if report["synthetic"] else []
        return "\n\n".join([head, *label, *(_section(one) for one in sections(report))]) + "\n"


def escaped(text: str) -> str:
    """``text`` on one line, without any meaning in Markdown or HTML."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split())).replace("&", "&amp;")


def _section(one: Section) -> str:
    parts = [
        f"## {escaped(one.title)}",
        *(escaped(text) for text in one.text),
        *(_table(table) for table in one.tables),
    ]
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    lines = [table.head, ["---"] * len(table.head)]
    body = [[escaped(cell) for cell in row] for row in table.rows]
    rows = [[escaped(cell) for cell in lines[0]], lines[1], *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


@cache
def _template() -> Template:
    loader = PackageLoader("recux.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "report.html.j2"
    )
