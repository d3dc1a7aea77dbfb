"""``recux study invite`` and ``recux study panel``: how people come in, and who of a panel did."""

from typing import Annotated, Any

import typer

from recux.cli.common import JsonOption, SlugArgument, database, emit, say, show_table
from recux.settings import Settings

EXAMPLES = """
\b
Example: recux study invite spring --count 20
         recux study invite spring --open --cap 200
         recux study invite spring --open --panel PROLIFIC_PID --completion-code C1A2B3
         recux study invite spring --open --revoke
"""


def add_to(study: typer.Typer) -> None:
    """Add the commands to ``recux study``."""
    study.command(epilog=EXAMPLES)(invite)
    study.command(epilog="Example: recux study panel spring --json")(panel)


def invite(
    slug: SlugArgument,
    *,
    count: Annotated[int | None, typer.Option("--count", metavar="N", min=1, help="Invite N new people.")] = None,
    participant: Annotated[
        list[str] | None, typer.Option("--participant", metavar="ID", help="This person; may be repeated.")
    ] = None,
    test: Annotated[
        bool, typer.Option("--test", help="New people are test participants: their answers never count.")
    ] = False,
    open_: Annotated[
        bool, typer.Option("--open", help="One link for many people; a new one ends the old one.")
    ] = False,
    cap: Annotated[
        int | None, typer.Option("--cap", metavar="N", min=1, help="With --open: at most N people can join.")
    ] = None,
    parameter: Annotated[
        str | None, typer.Option("--panel", metavar="PARAMETER", help="With --open: the parameter with the panel's id.")
    ] = None,
    completion_code: Annotated[
        str, typer.Option("--completion-code", metavar="CODE", help="With --panel: shown at the end.")
    ] = "",
    completion_url: Annotated[
        str, typer.Option("--completion-url", metavar="URL", help="With --panel: where the last page leads back to.")
    ] = "",
    revoke: Annotated[
        bool, typer.Option("--revoke", help="End the open link (--open) or these people's links (--participant).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print invite links, one per line. Without options: for everyone in the study who has none.

    A link is shown once and cannot be looked up again; a new link for the same person ends the old one.
    """
    if open_ and (count or participant or test):
        raise typer.BadParameter("--open makes one link for many; it goes with --cap, --panel and --revoke only")
    if not open_ and (cap or parameter or completion_code or completion_url):
        raise typer.BadParameter("--cap, --panel and --completion-... need --open")
    if revoke:
        _revoke(slug, participant, open_=open_)
    elif open_:
        ends = {"completion_code": completion_code, "completion_url": completion_url}
        _open_link(slug, cap, parameter, {name: said for name, said in ends.items() if said}, as_json=as_json)
    else:
        _personal(slug, count, participant, test=test, as_json=as_json)


def panel(slug: SlugArgument, as_json: JsonOption = False) -> None:
    """List the panel's members who came in, by the panel's own ids, to match and pay them. Needs RECUX_SECRET_KEY."""
    from db.engine import read_session
    from recux.access import panels
    from recux.collect.studies import get_study

    settings = Settings()
    with read_session(database(settings)) as session:
        known = panels.members(session, get_study(session, slug), panels.keys_from(settings.secret_key))
    if as_json:
        emit([{**member.ids, "participant_id": member.participant_id, "finished_at": member.finished_at,
               "withdrawn_at": member.withdrawn_at} for member in known])  # fmt: skip
        return
    names = list(dict.fromkeys(name for member in known for name in member.ids))
    rows = [[*(member.ids.get(name, "") for name in names), "yes" if member.finished_at else "no"] for member in known]
    show_table([*names, "finished"], rows)


def _personal(slug: str, count: int | None, participant: list[str] | None, *, test: bool, as_json: bool) -> None:
    from db.engine import write_session
    from recux.access import audit
    from recux.access.invites import create_invites
    from recux.collect.studies import get_study

    settings = Settings()
    with write_session(database(settings)) as session:
        invites = create_invites(session, get_study(session, slug), count=count, participant_ids=participant, test=test)
        audit.record(session, actor=audit.COMMAND_LINE, action="study.invite", target=slug, people=len(invites))
    links = [{"participant_id": one.participant_id, "link": f"{settings.base_url}/join/{one.token}"} for one in invites]
    if as_json:
        emit(links)
        return
    for link in links:
        print(f"{link['participant_id']}  {link['link']}")
    say(f"{len(links)} links; keep them safe, they are shown only now")


def _open_link(slug: str, cap: int | None, parameter: str | None, ends: dict[str, str], *, as_json: bool) -> None:
    from db.engine import write_session
    from recux.access import audit, open_links
    from recux.collect.studies import get_study

    settings = Settings()
    with write_session(database(settings)) as session:
        study = get_study(session, slug)
        _set_panel(study, ({"parameter": parameter} if parameter else {}) | ends)
        token = open_links.open_link(session, study, cap=cap or study.open_cap, secret=settings.secret_key)
        audit.record(session, actor=audit.COMMAND_LINE, action="study.open_link", target=slug, cap=study.open_cap)
        seats = open_links.seats(session, study)
        query = "".join(f"{'&' if n else '?'}{name}=..." for n, name in enumerate(_parameters(study)))
    link = f"{settings.base_url}/join/{token}{query}"
    if as_json:
        emit({"link": link, "cap": seats.cap, "taken": seats.taken})
        return
    print(link)
    most = f"at most {seats.cap}" if seats.cap else "any number of"
    say(f"{most} people can join through it, {seats.taken} have; it is shown only now")


def _set_panel(study: Any, said: dict[str, str]) -> None:
    from pydantic import ValidationError

    from recux.collect.flow import Panel
    from recux.errors import InvalidInput
    from recux.validation import first_problem

    if said:
        try:
            study.panel = Panel.model_validate({**study.panel, **said}).model_dump()
        except ValidationError as error:
            raise InvalidInput(f"the panel of {study.slug}: {first_problem(error)}") from None


def _parameters(study: Any) -> list[str]:
    return [study.panel["parameter"], *study.panel["also"]] if study.panel else []


def _revoke(slug: str, participant: list[str] | None, *, open_: bool) -> None:
    from db.engine import write_session
    from recux.access import audit
    from recux.access.invites import revoke_invites
    from recux.access.open_links import revoke_open_link
    from recux.collect.studies import get_study

    if not open_ and not participant:
        raise typer.BadParameter("--revoke needs --open or --participant")
    with write_session(database(Settings())) as session:
        study = get_study(session, slug)
        if open_:
            revoke_open_link(session, study)
        ended = revoke_invites(session, study, participant or []) + int(open_)
        audit.record(session, actor=audit.COMMAND_LINE, action="study.invite.revoke", target=slug, links=ended)
    print(f"ended {ended} {'link' if ended == 1 else 'links'}; what people gave stays")
