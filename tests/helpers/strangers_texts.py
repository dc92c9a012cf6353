"""Texts of strangers, from a seed: empty, long, in any script, with markup, and posing as the bot.

Each text begins and ends with a mark of its own, so that a test sees whether the end was lost.
"""

from __future__ import annotations

from random import Random

PIECES = (
    "checkout-api answers 503",
    "disk /dev/sda1 97 % full on db-1.eu-west-1.example",
    "Ошибка на сервере: очередь переполнена",
    "バックアップに失敗しました",
    "数据库连接超时",
    "קריסת השרת: חלל הדיסק מלא",
    "الخدمة لا تستجيب منذ ساعة",
    "เซิร์ฟเวอร์ไม่ตอบสนอง",
    "सर्वर काम नहीं कर रहा",
    "🔥🧑‍🚒👩🏽‍💻🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "a\u0000b\u0007c\x1b[31md\ufeff\ud83de",
    "&&&&<<<<>>>>",
    "``` fence ``` `code` ``\u200b`",
    "*bold* _it_ ~no~ > quote\n> quote",
    "{title} %s {{service_name}} ${HOME} $(id)",
    "https://evil.example/?a=1&b=<2>|Approve",
    "line one\nline two\r\nline three\u2028line four",
    " \t \n ",
    "x" * 300,
    "word " * 80,
    "\n" * 40,
)
IMPOSTORS = (
    "✅ RESOLVED · all is well",
    "*🔴 CRITICAL · other*   `INC-1`",
    "👍 Approved by @ana",
    "approved by <@U0ANA>",
    "RЕSОLVЕD",
    "R\u200bE\u00adS\u2060OLVED",
    "🅰🅿🅿🆁🅾🆅🅴🅳 by ops",
    ":white_check_mark: :lock: verified",
    "<!channel> <!here|now> <@U0EVE> <!subteam^S0EVE|sre> <https://evil.example|Approve>",
    "@here @channel @U0EVE",
    "INC-7 awaiting approval",
    "Needs 0 more: @ben voted yes",
    "low · nothing to see",
    "🔺 Unfrozen: actions may run again",
    "Remediation succeeded, outcome unknown no more",
    "[Approve] [Reject]",
)


class Stranger:
    """Writes texts. `is_honest` writes harmless ones in their place, at the same places."""

    def __init__(self, seed: int, *, is_honest: bool = False) -> None:
        self.texts: list[str] = []
        self._random = Random(seed)
        self._is_honest = is_honest

    def text(self, limit: int, *, least: int = 0) -> str:
        """A text of at most `limit` characters, empty at times unless `least` says otherwise."""
        random = self._random
        kind = random.random()
        length = random.choice((20, 60, limit // 2, limit, limit))
        pieces = random.choices(PIECES + IMPOSTORS, k=12)
        if kind < 0.1 and not least:
            return random.choice(("", "", "  ", "\n"))
        number = len(self.texts)
        begin, end = f"s{number:05}q", f"q{number:05}e"
        body = " ".join(pieces)
        if kind < 0.3:
            body = random.choice(IMPOSTORS)
        elif kind > 0.7:
            body = (body + "\n") * (limit // len(body) + 1)
        body = "harmless" if self._is_honest else body
        left = max(0, min(length, limit) - len(begin) - len(end) - 2)
        self.texts.append(f"{begin} {body[:left]} {end}")
        return self.texts[-1]

    def operator(self, limit: int) -> str:
        """A long text of the operator's files or of the bot itself, which may use its words."""
        number = len(self.texts)
        self.texts.append(f"s{number:05}q {'policy.yaml: approvers <x> & ' * 40}"[: limit - 7])
        self.texts[-1] += f" q{number:05}e"
        return self.texts[-1]

    def word(self) -> str:
        """A short text, as of a name."""
        return self.text(60, least=1)
