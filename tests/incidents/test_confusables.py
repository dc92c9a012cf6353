"""Look-alike letters: plain text stays as it is, on the short way as on the long one."""

import string

from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.confusables import _latin, fold


def test_no_ascii_character_is_another_letter():
    assert _latin(string.printable) == string.printable
    assert all(_latin(chr(code)) == chr(code) for code in range(128))


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_ascii_text_is_folded_as_it_would_be_beside_other_letters(text):
    assert fold(text + "é") == fold(text + "e")
