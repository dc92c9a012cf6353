import io

from bot.demo.printing import WIDTH, Entry, Printer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(stream: io.StringIO, *entries: Entry) -> list[str]:
    Printer(stream).thread(entries, since=100.0)
    return stream.getvalue().splitlines()


def test_entries_are_printed_in_order_of_time_with_seconds_since_the_start():
    lines = printed(io.StringIO(), Entry(103.5, "sopbot", "later"), Entry(101.0, "ben", "first", 0))

    assert [line.split() for line in lines] == [
        ["+1.0", "s", "ben"],
        ["first"],
        ["│", "+3.5", "s", "sopbot"],
        ["│", "later"],
    ]


def test_no_line_is_wider_than_the_page():
    lines = printed(io.StringIO(), Entry(100.0, "sopbot", "word " * 100 + "x" * 300))

    assert max(map(len, lines)) <= WIDTH


def test_no_step_is_wider_than_the_page_wherever_its_words_end():
    stream = io.StringIO()
    printer = Printer(stream)
    for length in range(1, 2 * WIDTH):
        printer.done("x" * length)
        printer.failed("word " * (length // 5) + "y" * (length % 5))

    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) == WIDTH


def test_the_text_of_a_message_cannot_control_the_terminal():
    lines = printed(io.StringIO(), Entry(100.0, "sopbot", "\x1b[2Jgone"))

    assert "\x1b" not in "".join(lines)
    assert "gone" in lines[-1]


def test_colours_are_for_terminals_and_not_with_no_color(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1m" in "".join(printed(Terminal(), Entry(100.0, "sopbot", "x")))

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1m" not in "".join(printed(Terminal(), Entry(100.0, "sopbot", "x")))


def test_a_wait_is_announced_on_a_terminal_only():
    terminal, file = Terminal(), io.StringIO()

    Printer(terminal).waiting("waiting for rain")
    Printer(file).waiting("waiting for rain")

    assert "waiting for rain" in terminal.getvalue()
    assert file.getvalue() == ""
