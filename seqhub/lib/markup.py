"""The small pieces of every page: chips, times, bars, paths.

One spelling for templates (seqhub.console.templatetags) and for the columns of
lists.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from seqhub.lib.units import format_since


@dataclass(frozen=True, slots=True)
class Chip:
    """A state as icon, colour and word."""

    word: str
    colour: str  # success, info, warning, danger, default
    icon: str  # a Material Symbols name
    title: str = ""  # the plain sentence from the glossary
    since: dt.datetime | None = None


def chip(value: Chip) -> SafeString:
    title = value.title
    if value.since:
        title = f"{title} Since {absolute(value.since)}.".strip()
    return format_html(
        '<span class="chip chip-{}"{}>{}{}</span>',
        value.colour,
        format_html(' title="{}"', title) if title else "",
        icon(value.icon),
        value.word,
    )


def icon(name: str) -> SafeString:
    """An icon that screen readers pass over; the word beside it says it."""
    return format_html(
        '<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name
    )


def absolute(at: dt.datetime) -> str:
    """Date, time and zone, in the zone of the configuration."""
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")


def since(at: dt.datetime | None) -> SafeString:
    """`3 h ago`, kept fresh by console.js; the absolute time on hover."""
    if at is None:
        return mark_safe("–")
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        at.isoformat(),
        absolute(at),
        format_since(at, timezone.now()),
    )


def copyable(text: str, what: str = "") -> SafeString:
    """An identifier in monospace with a button that copies it."""
    return format_html(
        '<span class="copyable"><code>{}</code><button type="button" class="copy" '
        'data-copy="{}" aria-label="Copy {}" title="Copy">{}</button></span>',
        broken(text),
        text,
        what or text,
        icon("content_copy"),
    )


def broken(path: str) -> SafeString:
    """Text that may wrap after each `/` and `_`."""
    text = str(escape(path))
    for mark in "/_":
        text = text.replace(mark, f"{mark}<wbr>")
    return mark_safe(text)  # noqa: S308 - escaped above


def bar(done: float, total: float, label: str, colour: str = "primary") -> SafeString:
    """A bar of done/total; `label` is what screen readers say."""
    return format_html(
        '<progress class="bar bar-{}" value="{}" max="{}" aria-label="{}"></progress>',
        colour,
        f"{min(done, total):.0f}",
        f"{max(total, 1):.0f}",
        label,
    )


def lines(*parts: str) -> SafeString:
    """Each non-empty part on a line of its own."""
    return format_html_join(
        "", '<div class="line">{}</div>', ((p,) for p in parts if p)
    )


def pairs(rows: Iterable[tuple[str, object]]) -> SafeString:
    """Terms and descriptions for inside a `<dl>`."""
    return format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows)


def dialog_link(address: str, words: str, label: str = "") -> SafeString:
    """A small button that opens the dialog at `address`; a page without JavaScript.

    `label` is what screen readers say, where the words alone are not enough.
    """
    return format_html(
        '<a class="button button-small" href="{}" data-dialog{}>{}</a>',
        address,
        format_html(' aria-label="{}"', label) if label else "",
        words,
    )


def labelled_bar(done: int, total: int, unit: str) -> SafeString:
    """A bar with its numbers: `cycles 87/318`."""
    words = f"{unit} {done}/{total}"
    return format_html(
        '<div class="labelled-bar">{}<span>{}</span></div>',
        bar(done, total, words),
        words,
    )


def row(pieces: Iterable[SafeString]) -> SafeString:
    """Pieces beside each other, wrapping where there is no room."""
    return format_html(
        '<div class="pieces">{}</div>',
        format_html_join("", "{}", ((p,) for p in pieces)),
    )


def faint(words: str) -> SafeString:
    """For what is not there."""
    return format_html('<span class="faint">{}</span>', words)
