"""Small pieces of HTML. `esc` is the only way for text to get into the page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from luthier.report.wording import clean, short

EMPTY = '<span class="none">&ndash;</span>'


def esc(value: Any) -> str:
    """`value` as HTML text, safe in attributes too."""
    return html.escape(clean(value), quote=True)


def name(value: Any, length: int = 60) -> str:
    """A name that comes from data: cut to `length`, and kept from turning the direction of the text around it."""
    whole = short(value, 1000)
    title = f' title="{esc(whole)}"' if len(whole) > length else ""
    return f"<bdi{title}>{esc(short(whole, length)) or '(empty)'}</bdi>"


def paragraphs(sentences: Iterable[str], css: str = "") -> str:
    """One escaped paragraph a sentence."""
    attribute = f' class="{css}"' if css else ""
    return "".join(f"<p{attribute}>{esc(sentence).replace('95 %', '95&nbsp;%')}</p>" for sentence in sentences)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, css: str = "", marks: Sequence[str] = ()) -> str:
    """A table that scrolls sideways on a narrow screen; the first cell of a row is its header.

    Args:
        head: titles of the columns, as HTML; one that starts with "#" is of a column of numbers.
        rows: cells, as HTML.
        marks: the CSS class of each row.
    """
    numeric = [title.startswith("#") for title in head]
    titles = "".join(f'<th scope="col"{_number(flag)}>{title.removeprefix("#")}</th>'
                     for title, flag in zip(head, numeric, strict=True))
    body = []
    for index, row in enumerate(rows):
        cells = "".join(f"<td{_number(flag)}>{cell}</td>" for cell, flag in zip(row[1:], numeric[1:], strict=True))
        mark = f' class="{marks[index]}"' if marks and marks[index] else ""
        body.append(f'<tr{mark}><th scope="row"{_number(numeric[0])}>{row[0]}</th>{cells}</tr>')
    return (f'<div class="scroll {css}" tabindex="0"><table><thead><tr>{titles}</tr></thead>'
            f'<tbody>{"".join(body)}</tbody></table></div>')


def _number(flag: bool) -> str:
    return ' class="n"' if flag else ""


def section(anchor: str, title: str, *parts: str) -> str:
    """One section of the page, under its heading."""
    return f'<section id="{anchor}"><h2>{esc(title)}</h2>{"".join(parts)}</section>\n'
