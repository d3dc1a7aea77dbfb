"""What the evidence of a round says: every look that any rule takes, under one error budget."""

from recux.suggest import family
from recux.suggest.finding import Finding
from recux.suggest.findings.arms import arms
from recux.suggest.findings.comments import comments
from recux.suggest.findings.data import data
from recux.suggest.findings.drivers import drivers
from recux.suggest.findings.feedback import feedback
from recux.suggest.findings.models import models
from recux.suggest.findings.segments import segments
from recux.suggest.findings.service import service
from recux.suggest.findings.slates import slates
from recux.suggest.frames import Evidence


def find(e: Evidence) -> list[Finding]:
    """All findings of a round, with p-values adjusted over all of them together."""
    found = [*data(e), *models(e), *arms(e), *segments(e), *comments(e), *service(e), *feedback(e)]
    if len(e.ratings):
        found += [*slates(e), *drivers(e)]
    return family.adjusted(found)
