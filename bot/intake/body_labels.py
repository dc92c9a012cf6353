"""Reads the labels and links of a JSON body: its own, and those of the object that it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.intake.field_names import LABEL_NAMES, LINK_NAMES
from bot.intake.fields import an_object, optional_text, text_mapping, wrong
from bot.intake.guesses import looks_like_env
from bot.intake.holders import Holders, is_placeholder

Kept = Callable[[Any, Callable[[Any, str], Any], Any, str], Any]
"""Returns what a reader makes of a field's value, or the first argument if it has another form."""

# Objects of these names are no field of the alert, but their names are labels.
_OWNERS = frozenset(("project", "host", "entity"))


def labels_in(body: Mapping[str, Any], holders: Holders, kept: Kept) -> dict[str, str]:
    """Return the labels of a body; those of an object inside only if the body has none itself."""
    labels: dict[str, str] = kept({}, text_mapping, body.get("labels"), "labels")
    for key in LABEL_NAMES:
        value = holders.own.get(key)
        if key in _OWNERS and not isinstance(value, str | int | float):
            value = holders.names.get(key)
        if value is None:
            value = holders.subject.get(key)
        if value is not None and not isinstance(value, dict | list):
            text = optional_text(value, key)
            if not is_placeholder(text):
                labels.setdefault(key, text)
    labels.update(kept({}, _tags, body.get("tags"), "tags"))
    for name in ("labels", "dimensions", "tags"):
        for key, text in holders.texts_under(name).items():
            labels.setdefault(key, text)
    if "env" not in labels and "environment" not in labels:
        for name, text in labels.items():
            if text == "true" and looks_like_env(name):  # a bare tag
                return {**labels, "env": name}
    return labels


def links_in(body: Mapping[str, Any], holders: Holders, kept: Kept) -> list[tuple[str, str]]:
    """Return (label, address) of the links that a body lists or names."""
    listed: list[tuple[str, str]] = kept([], _listed_links, body.get("links"), "links")
    return listed + [
        (label, value)
        for holder in (holders.own, holders.inner)
        for label, name in LINK_NAMES
        if isinstance(value := holder.get(name), str)
    ]


def _tags(value: object, where: str) -> dict[str, str]:
    """Parse tags: an object, or a list of `name:value`, `name=value` or bare words."""
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",")]
    if not isinstance(value, list):
        return text_mapping(value, where)
    tags = {}
    for index, item in enumerate(value):
        name, _, text = optional_text(item, f"{where}[{index}]").replace("=", ":", 1).partition(":")
        tags[name.strip()] = text.strip() or "true"
    return tags


def _listed_links(links: object, where: str) -> list[tuple[str, str]]:
    if links is None:
        return []
    if isinstance(links, dict):  # `{"self": address}`
        return [(name, link) for name, link in links.items() if isinstance(link, str)]
    if not isinstance(links, list):
        raise wrong(where, "a list of addresses or of {label, url}")
    pairs = []
    for index, item in enumerate(links):
        field = f"{where}[{index}]"
        if isinstance(item, str):
            pairs.append(("Link", item))
        else:
            link = an_object(item, field)
            url = optional_text(link.get("url", link.get("href")), f"{field}.url")
            pairs.append(
                (optional_text(link.get("label", link.get("text")), f"{field}.label"), url)
            )
    return pairs
