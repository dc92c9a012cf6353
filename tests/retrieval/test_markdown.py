"""A Markdown file becomes passages, each under its heading with its line."""

from __future__ import annotations

import pytest

from bot.retrieval.markdown import (
    FRONT_MATTER_CHARS,
    MOST_PASSAGES,
    PASSAGE_CHARS,
    parse_document,
    plain,
    read_front_matter,
)

TEXT = """---
title: Disk full
tags: [disk, storage]
---

First words.

# Disk full

## Meaning

No space.

```sh
# no heading
df -h
```

Underlined
----------

Last words.
"""


def test_a_file_is_cut_at_its_headings_with_their_lines() -> None:
    document = parse_document("disk.md", TEXT)
    assert document.title == "Disk full"
    assert document.keywords == "Disk full disk storage"
    assert [(item.heading, item.line, item.parents) for item in document.passages] == [
        ("", 5, ()),
        ("Disk full", 8, ()),
        ("Meaning", 10, ("Disk full",)),
        ("Underlined", 19, ("Disk full",)),
    ]
    assert "# no heading" in document.passages[2].text
    assert document.passages[3].text == "Last words."


@pytest.mark.parametrize(
    "matter",
    [
        "---\n: [\n---\n",
        "---\n- a\n---\n",
        "+++\nx = \n+++\n",
        "---\ntitle: 7\n---\n",
        "---\ntitle: x",
    ],
)
def test_front_matter_that_cannot_be_read_does_not_hide_the_text(matter: str) -> None:
    document = parse_document("a.md", matter + "\n# Head\n\nBody\n")
    assert document.title == "Head"
    assert document.passages[-1].text == "Body"


@pytest.mark.attack("ASI08")
def test_front_matter_that_grows_by_merging_or_is_very_long_is_left_out() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [  # without a bound two times ten to the eleventh pairs
        f"a{level}: &a{level} {{<<: [{', '.join([f'*a{level - 1}'] * 10)}]}}"
        for level in range(1, 12)
    ]
    merged = read_front_matter(["---", *lines, "---"])
    assert merged.values["a11"] == {"x": 1, "y": 2}

    wide = [f"w: &w {{{', '.join(f'k{number}: 1' for number in range(900))}}}", "v: {<<: [*w, *w]}"]
    refused = read_front_matter(["---", *wide, "---"])
    assert (refused.values, refused.problem_line) == ({}, 3)
    assert refused.problem == "<< takes over more than 1000 keys"

    long = read_front_matter(["---", "a: 1" + ":1" * FRONT_MATTER_CHARS, "---"])
    assert (long.values, long.problem) == ({}, "over 20,000 characters")


def test_a_merged_key_is_overridden_by_the_mapping_and_by_the_first_of_several() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}"
    assert read_front_matter(["---", *text.split("\n"), "---"]).values["c"] == {
        "x": 3,
        "y": 1,
        "z": 2,
    }


def test_toml_between_plus_signs_is_front_matter_too() -> None:
    document = parse_document("a.md", '+++\ntitle = "T"\naliases = ["Alias"]\n+++\nBody')
    assert (document.title, document.keywords) == ("T", "T Alias")


def test_a_long_section_is_cut_between_its_lines() -> None:
    document = parse_document("a.md", "# Head\n\n" + "word word word\n" * 600)
    assert len(document.passages) > 3
    assert {passage.heading for passage in document.passages} == {"Head"}
    assert all(len(passage.text) <= PASSAGE_CHARS for passage in document.passages)
    assert document.passages[1].line > document.passages[0].line


def test_a_document_has_a_bounded_number_of_passages() -> None:
    assert len(parse_document("a.md", "# x\n\ny\n" * 10_000).passages) == MOST_PASSAGES


def test_links_are_reduced_to_their_text() -> None:
    text = plain("see [the **wiki**](https://wiki.example/x) or https://a.example <b>now</b>")
    assert text.split() == ["see", "the", "wiki", "or", "now"]
