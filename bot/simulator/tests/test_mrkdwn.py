"""Message text as HTML: what it shows, and that it can do no harm."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .. import normalise
from ..mrkdwn import Names, to_html, to_plain
from ..transcript import printable

NAMES = Names(users={"U1": "ana"}, channels={"C1": "ops"}, groups={"S1": "sre"})
ALLOWED = {"br", "strong", "em", "del", "code", "pre", "blockquote", "a", "span", "time"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~", "<strong>bold</strong> <em>it</em> <del>no</del>"),
        ("`a *b*`", "<code>a *b*</code>"),
        ("`INC-7` `checkout-api`", '<code class="whole">INC-7</code> <code>checkout-api</code>'),
        ("```\nx &lt; y\n```", "<pre><code>x &lt; y</code></pre>"),
        ("&gt; said\nthen", "<blockquote>said</blockquote>then"),
        ("<@U1> <#C1|x> <!here>", None),
        ("a_b_c *x*y", "a_b_c *x*y"),
        (":eyes: :unknown_one:", "👀 :unknown_one:"),
        ("<script>", "&lt;script&gt;"),
        ("<javascript:alert(1)|x>", "x"),
        ("a &amp;lt; b", "a &amp;lt; b"),
    ],
)
def test_marks_become_html_and_everything_else_is_escaped(text: str, html: str | None) -> None:
    done = str(to_html(text, NAMES))
    if html is None:
        assert re.sub("<[^>]*>", "", done) == "@ana #ops @here"
    elif text == "<script>":
        assert "<script" not in done
    else:
        assert done == html


def test_links_are_http_or_mailto_and_dates_are_read() -> None:
    done = str(to_html("<https://x.y/?a=1&amp;b=2|here> <mailto:a@b.c>", NAMES))
    assert 'href="https://x.y/?a=1&amp;b=2"' in done
    assert 'rel="noopener noreferrer"' in done
    assert 'href="mailto:a@b.c"' in done
    when = "<!date^1392734382^{date_num} {time_secs}|long ago>"
    assert to_plain(when, NAMES) == "2014-02-18 14:39:42"
    assert to_plain("<!date^99999999999999^{date}|long ago>", NAMES) == "long ago"


class Strict(HTMLParser):
    """Notes every tag and attribute that our renderer has no right to write."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.bad.append(tag)
        for name, value in attrs:
            if name not in {"href", "target", "rel", "class"}:
                self.bad.append(name)
            if name == "href" and not re.match(r"(?i)https?://|mailto:", value or ""):
                self.bad.append(f"href={value}")


pieces = st.sampled_from(
    ["<", ">", "&", "*", "_", "~", "`", "```", "\n", "|", '"', "'", "javascript:", "https://x.y/",
     "<script>", "onerror=", "&lt;", "&gt;", "&amp;", "<@U1>", "<!date^1^{ago}", "^", "\x00",
     "<https://a.b|", "data:text/html,", ":eyes:", " ", "a", "\ud800", "\u202e"]
)  # fmt: skip


@given(st.lists(pieces, max_size=30).map("".join), st.booleans())
def test_no_text_can_bring_in_a_tag_an_attribute_or_a_script_link(text: str, sent: bool) -> None:
    strict = Strict()
    strict.feed(str(to_html(normalise.text(text) if sent else text, NAMES)))
    strict.close()
    assert strict.bad == []
    assert isinstance(to_plain(text, NAMES), str)


@given(st.text())
def test_normalised_plain_words_are_read_back_as_they_were_said(text: str) -> None:
    plain = re.sub(r"[*_~`:&<>\n|@#!]|//", "", text)
    assert to_plain(normalise.text(plain), NAMES) == plain


@given(st.text())
def test_a_transcript_never_carries_a_terminal_escape(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", printable(text.replace("\n", "")))
