"""What went wrong, in the reader's language.

Errors speak English, as they also come out of the command line, the API and logs. Here stands each sentence that
somebody can meet on a page once more, for the catalogue; names in braces stand for what differs.
"""

import re
from functools import lru_cache

from pydantic import ValidationError

from recux.report import sentences
from recux.ui.language import _
from recux.ui.plain import plain
from recux.validation import first_problem

N_ = str  # marks a message for the catalogue; it is translated when it is shown
MESSAGES = (
    # accounts
    N_("an account for {email} exists already; choose another address or change that account"),
    N_("{email} is not an e-mail address; it should look like name@example.org"),
    N_("the password has {n} characters; use {low} to {high}"),
    N_("the current password is wrong, or the account is locked for a while"),
    N_("this needs the role {role}; {email} is {have}. Ask an admin of your team"),
    N_("{action} needs the role {role}; {email} is {have}. Ask an admin of your team"),
    N_("the account of {email} is closed; ask an admin of your team"),
    N_("the identity provider has not verified the address {email}"),
    N_("the account of {email} belongs to somebody else at the identity provider"),
    N_("there is no account for {email}; ask an admin of your team to add you"),
    N_("the identity provider did not say who you are (iss, sub and email are needed)"),
    # studies
    N_(
        "{slug} cannot name a study: use 1 to 64 small letters, digits, - and _, beginning and ending with a letter or "
        "digit"
    ),
    N_("there is a study {slug} already; choose another name"),
    N_("the study {slug} is {status}; only a draft can be launched"),
    N_("the study {slug} has no arm with a weight above 0, so nobody could take part"),
    N_("the study {slug} has no consent text in {languages}; add it under [consent]"),
    N_("the study {slug} has no items to recommend; import some with {command}"),
    N_("the crossover study {slug} has {n} arms with a weight above 0; it needs exactly two"),
    N_("the study {slug} is closed already"),
    N_("the study {slug} is closed; duplicate it to go on with other settings"),
    N_("the study {slug} is closed; nobody can come in any more"),
    N_("the study {slug} is closed; nothing more can be imported into it"),
    N_("the study {slug} is {status}; close it before you put it away"),
    N_("the study {slug} is not in a soft launch"),
    N_("the study {slug} is {status}, not {wanted}"),
    N_(
        "somebody else changed {slug} while you were editing; open the page again to see their version, then make your "
        "change"
    ),
    N_(
        "{fields} cannot change after the launch, because the answers so far would no longer mean the same; duplicate "
        "the study instead"
    ),
    N_("there is no study {slug}; `recux study list` shows those that exist"),
    N_("more than one arm has the key {key}"),
    N_("at least one arm needs a weight above 0"),
    N_("a study needs at least one arm: [[arms]] key, title, weight, source"),
    N_("arm {key}: options must be a JSON object such as {example}"),
    N_("primary_metric is {metric}, but {instrument} is not among the instruments"),
    N_("steps must begin with 'consent' and end with 'thanks'"),
    N_("steps: {step} would never be asked; name it, or 'questionnaires' for all that are left"),
    N_("steps: 'preferences' must come before 'slate', which is made from them"),
    N_('design = "crossover" compares exactly two arms, with the same weight'),
    N_("per_list: {name} is asked after each list; take it out of steps"),
    N_("completion_url must begin with https:// and name a host"),
    N_("{language} is not a language code such as en or zh_CN"),
    # people
    N_("this is not a CSV file in UTF-8"),
    N_("the list needs a column participant_id; it has {columns}"),
    N_("the list has {n} rows; give at most {most} at a time"),
    N_("line {line}: participant_id must have 1 to 255 characters"),
    N_("line {line}: {name} is there twice"),
    N_("{name}: the study has no arm {arm}; it has {arms}"),
    N_("{name} is in another arm already, and people keep their arm"),
    N_("{name} was not rejected, so the place is not free"),
    N_("say why, in 1 to 200 characters"),
    # files
    N_("{file} is empty"),
    N_("{file} holds no rows, only {columns}"),
    N_("{file} is {what}; save it as CSV (UTF-8), JSON Lines or Parquet"),
    N_("{file} is a binary file; give CSV (UTF-8), JSON Lines or Parquet"),
    N_("{file} ends in the middle of its gzip data; copy it again"),
    N_(
        "{file}, line {line}: byte {byte} is not UTF-8; it is a binary file, or text in another encoding: save it as "
        "CSV UTF-8"
    ),
    N_("{file}, line 1: more than one column is named {columns}"),
    N_("{file}, line {line}: a quote that opens here is never closed"),
    N_("{file} is not a TOML file: {reason}"),
    N_("the map names {column}, which {kind} do not have; they have {columns}"),
    N_("the map takes {ours} from the column {theirs}, which the file does not have; it has {columns}"),
    # what is decided, written and sent
    N_("say in a sentence what was decided"),
    N_("a decision and its reason have at most {most} letters each"),
    N_("a tag has 1 to {most} letters; {tag} has {n}"),
    N_("this comment is gone; its author may have taken it back"),
    N_("alerts of this study go there already"),
    N_("no mail server is set: RECUX_SMTP_HOST"),
    N_("{target} is not an e-mail address"),
    N_("this is not a web address"),
    N_("a webhook is an address that begins with https:// and holds no password"),
    N_("the host {host} is not among RECUX_ALERT_HOSTS"),
    N_("suggestion {n} is {status}; it must be {needed} to be {wanted}"),
    N_("no switch of the built-in recommenders does this: change the recommender and name its arm"),
    N_("there is no arm {arm} any more to try it beside; there are {arms}"),
    N_("the process that reads large studies ended twice; is there memory left? Try again"),
    # rows that were put aside
    N_("{column} is missing"),
    N_("{column} has the character {character}, which names must not have"),
    N_("{column} has the character {character}, which no database can store"),
    N_("{column} has {n} characters, at most {most} are allowed"),
    N_("{column} is a {kind}, not text"),
    N_("{column} is not a finite number"),
    N_("{column} is outside the range from {low} up"),
    N_("{column} is outside {low} to {high}"),
    N_("{column} is not a whole number"),
    N_("{column} is neither 0 nor 1"),
    N_("{column} is not one of {values}"),
    N_("{column} is too long a duration"),
    N_("{column} has no time zone; write 2026-01-31T12:00:00Z, or name one in the map: [options] timezone"),
    N_("{column} is not a time between {first} and {last}; epoch times are in seconds"),
    N_("{column} is not a time; write ISO 8601 such as 2026-01-31T12:00:00Z, or epoch seconds"),
    N_("{column} is not a time; epoch times are in seconds"),
    N_("{column} is not a number"),
    N_("has {n} cells where the header has {m}"),
    N_("the same row is on line {line} with other values; keep one of them"),
    N_("arm is not one of this study's arms: {arms}"),
    N_("arm differs from the person's arm {arm}, which is fixed since the launch"),
    N_("slate_id names an unknown slate; import the slates first"),
    N_("slate_id names a slate of another person than {name}"),
    N_("slate_id names a slate that does not hold item {item}"),
    N_("slate {slate} belongs to another arm"),
    N_("slate {slate} belongs to {name}"),
    N_("position {n} of slate {slate} already holds another item"),
    N_("position {n} of slate {slate} already holds another item, on line {line}"),
    N_("outcome is empty, and there is no http_status to tell it from"),
    N_("item_id names an unknown item; import the items first, or set create_items = true in the map"),
    N_("participant_id names a person who has withdrawn; nothing more is taken in"),
    N_("instrument {instrument} has no question {question}; it has {questions}"),
    N_("question {question} needs a number from {low} to {high}, not a text"),
    N_("question {question}: {value} is not between {low} and {high}"),
    N_("question {question}: {value} is not a whole number"),
    N_("question {question}: {value} is none of {values}"),
    N_("question {question}: {value} is not the value of an option"),
    N_("question {question} needs a text"),
)


def said(error: Exception) -> str:
    """The error's message as a page shows it: letter by letter, and as it is where there is no translation."""
    text = first_problem(error) if isinstance(error, ValidationError) else str(error)
    return plain(translated(text))


def translated(text: str) -> str:
    """A message, or why a row was put aside, in the reader's language; as it is where there is no translation."""
    for pattern, message in _patterns():
        if found := pattern.fullmatch(text):
            return _(message).format(**found.groupdict()) if found.groupdict() else _(message)
    return _(text) if text else ""


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(sentences.pattern(message), message) for message in MESSAGES]
