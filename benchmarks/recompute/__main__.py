"""Recompute every figure of a report from the rows with pandas and scipy alone, and compare.

Nothing of recux's statistics or evaluation is used: rows come from what `recux study export` wrote (or by SQL from
the database that RECUX_HOME or RECUX_DATABASE_URL names), and every figure is written again in the slowest and plainest
way. Figures of models (they need the models) and of suggestions are left out.

    python -m benchmarks.recompute --study SLUG [--rows FOLDER_OR_ZIP] [--report REPORT.json]

Prints a table; exit 1 if anything disagrees.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.recompute.figures import disagreements, figures_in, recompute
from benchmarks.recompute.rows import exported, rows_of


def main() -> int:
    """Compare and print."""
    from recux.settings import Settings

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", required=True)
    parser.add_argument("--rows", type=Path, help="what `recux study export` wrote; the database without it")
    parser.add_argument("--report", type=Path, help="a report written by `recux report`; made now without it")
    asked = parser.parse_args()
    url = Settings().url
    report = json.loads(asked.report.read_text()) if asked.report else made_now(url, asked.study)
    source = exported(asked.rows) if asked.rows else sa.create_engine(url)
    wrong = disagreements(report, recompute(*rows_of(source, asked.study)))
    print(f"{len(dict(figures_in(report)))} figures, {len(wrong)} differ")
    return 1 if wrong else 0


def made_now(url: str, slug: str) -> dict[str, Any]:
    """The report as recux writes it now."""
    from db.engine import engine_for, read_session
    from db.queries import study_by_slug
    from recux.report import build_report

    with read_session(engine_for(url)) as session:
        study = study_by_slug(session, slug)
        if study is None:
            raise SystemExit(f"there is no study {slug!r}")
        return build_report(session, study, least=1)


if __name__ == "__main__":
    sys.exit(main())
