"""Draws sixty incidents: the posts over time, as an SVG for any page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 52, 190, 44, 44
# Each is readable on a white and on a near-black page: an image does not know its background.
TEXT, FAINT, OURS, THEIRS, OTHERS = "#7d8590", "#7d859055", "#2f81f7", "#db6d28", "#a371f7"

Scale = Callable[[float], float]


def plot(
    ours: Sequence[float],
    theirs: Sequence[tuple[str, Sequence[float]]],
    *,
    incidents: int,
    within: float,
    watched: float,
) -> str:
    """Return the picture. Times are in seconds after the start; `theirs` are named."""

    def x(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / watched

    def y(cards: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * cards / incidents

    parts = [
        _text(LEFT, 20, f"{incidents} incidents at once, Slack takes one post a second", size=15),
        *_grid(x, y, incidents, watched),
        _line(x(within), y(incidents), x(within), y(0), TEXT, dashed=True),
        _text(x(within) + 4, y(incidents * 0.4), f"{within:g} s"),
    ]
    named = [
        (name, [at for at in times if at <= watched]) for name, times in [("sopbot", ours), *theirs]
    ]
    for (name, times), colour in zip(named, (OURS, THEIRS, OTHERS), strict=False):
        parts.append(_steps(x, y, times, watched, colour))
        parts.append(
            _text(
                x(watched) + 8, y(len(times)) + 4, f"{name}: {len(times)}", colour=colour, bold=True
            )
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        f"<title>{escape(_description(named, within))}</title>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _description(named: Iterable[tuple[str, Sequence[float]]], within: float) -> str:
    counts = (f"{name} {sum(at <= within for at in times)}" for name, times in named)
    return f"Messages that arrived within {within:g} s: " + ", ".join(counts)


def _grid(x: Scale, y: Scale, incidents: int, watched: float) -> list[str]:
    parts = []
    for cards in range(0, incidents + 1, 10):
        parts.append(_line(x(0), y(cards), x(watched), y(cards), FAINT))
        parts.append(_text(x(0) - 8, y(cards) + 4, str(cards), anchor="end"))
    parts += [
        _text(x(seconds), y(0) + 18, str(seconds), anchor="middle")
        for seconds in range(0, int(watched) + 1, 20)
    ]
    middle = (x(0) + x(watched)) / 2
    return [*parts, _text(middle, y(0) + 36, "seconds after the outbreak", anchor="middle")]


def _steps(x: Scale, y: Scale, times: Sequence[float], end: float, colour: str) -> str:
    path = [f"M{x(0):.1f} {y(0):.1f}"]
    for arrived, at in enumerate(sorted(times), 1):
        path.append(f"H{x(at):.1f}V{y(arrived):.1f}")
    path.append(f"H{x(end):.1f}")
    return f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    dashes = ' stroke-dasharray="2 4"' if dashed else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"{dashes}/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    colour: str = TEXT,
    anchor: str = "start",
    size: int = 12,
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" '
        f'font-size="{size}"{weight}>{escape(text)}</text>'
    )
