"""What a report says of how often its test rows have been opened, and what that means for its test figures."""

from __future__ import annotations

from luthier.data.places import count
from luthier.report.wording import Table, clean


def openings(opening: Table) -> str:
    """The sentences about {count, first, note}, as results.json holds them."""
    times, note = opening["count"], clean(opening.get("note") or "")
    doubt = f" It may have been more often: {note.rstrip('.')}." if note else ""
    if times <= 1:
        known = "As far as is known, these" if note else "These"
        return f"{known} test rows have been opened once by luthier on this machine, by this run.{doubt}"
    return (f"These test rows have been opened {count(times, 'time')} by luthier on this machine (first on "
            f"{clean(opening['first'])}): they are no longer unseen. If any choice since then - of data, settings, or which run "
            f"to keep - went by their scores, the figures on them are optimistic; new rows would tell the truth.{doubt}")
