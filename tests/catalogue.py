"""`python -m tests.catalogue` writes the catalogues of messages: `make messages`.

The template has every message that the code marks. Each language gets the new messages without a
translation, and loses those that no code has any more; then it is compiled.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bot.language import DOMAIN, ENGLISH, LOCALES

ROOT = Path(__file__).parent.parent
TEMPLATE = LOCALES / f"{DOMAIN}.pot"
EPOCH = datetime.fromtimestamp(0, UTC)
HEADER = "# The messages of sopbot. `make messages` writes this file."

# Lines of a header that say nothing here, or when the file was written.
_UNUSED = ('"Project', '"Report', '"POT-', '"PO-', '"Last-', '"Language-T', '"Generated')

# The arguments of each function that are messages: one, or the singular and the plural.
MARKS = {"_": (0,), "N_": (0,), "deferred": (0,), "ngettext": (0, 1), "plural": (1, 2)}


def files() -> Iterator[Path]:
    """The files that may show text to people."""
    for folder in ("bot", "handlers", "store"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "bot/simulator/" not in file.as_posix():
                yield file


def marked(tree: ast.AST) -> Iterator[tuple[ast.Call, list[ast.expr]]]:
    """The calls that mark a message, each with the arguments that are messages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            places = MARKS.get(node.func.id, ())
            if places and len(node.args) > max(places):
                yield node, [node.args[place] for place in places]


def template() -> Catalog:
    """Every message that the code marks, with the files that have it."""
    catalog = Catalog(project=DOMAIN, header_comment=HEADER, charset="utf-8")
    for file in files():
        text = file.read_text(encoding="utf-8")
        if "bot.language" not in text and file.name != "language.py":
            continue
        where = file.relative_to(ROOT).as_posix()
        for _call, arguments in marked(ast.parse(text)):
            ids = [arg.value for arg in arguments if isinstance(arg, ast.Constant)]
            if len(ids) == len(arguments) and all(ids):
                catalog.add(ids[0] if len(ids) == 1 else tuple(ids), locations=[(where, 0)])
    return catalog


def po_file(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """The translations of a language."""
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def updated(language: str) -> Catalog:
    """The translations of a language, for exactly the messages of the code."""
    catalog = read(language)
    catalog.fuzzy = False
    catalog.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """The catalogue as text, the same on every machine and at every time."""
    file = io.BytesIO()
    write_po(
        file,
        catalog,
        width=100,
        sort_output=True,
        ignore_obsolete=True,
        include_lineno=False,
        omit_header=catalog.locale is None,
    )
    lines = file.getvalue().decode().splitlines()
    kept = [line for line in lines if not line.startswith(_UNUSED)]
    return ("\n".join(kept) + "\n").encode()


def as_mo(catalog: Catalog) -> bytes:
    """The catalogue as the bot reads it."""
    file = io.BytesIO()
    catalog.creation_date = catalog.revision_date = EPOCH  # else it is the time of this call
    write_mo(file, catalog)
    return file.getvalue()


def written(language: str) -> dict[Path, bytes]:
    """The files of a language as they must be."""
    catalog = updated(language)
    text = as_po(catalog)
    # Compiled from the text: a catalogue in memory has the time of its creation.
    compiled = as_mo(read_po(io.BytesIO(text), locale=language, domain=DOMAIN))
    return {po_file(language): text, po_file(language).with_suffix(".mo"): compiled}


def translations() -> list[str]:
    """The languages that have a catalogue."""
    return sorted(file.parent.parent.name for file in LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def main(new: list[str]) -> None:
    """Write the files of every language, and begin those that are named."""
    LOCALES.mkdir(exist_ok=True)
    TEMPLATE.write_bytes(as_po(template()))
    for language in new:
        if not po_file(language).exists() and language != ENGLISH:
            po_file(language).parent.mkdir(parents=True)
            po_file(language).write_bytes(
                as_po(Catalog(locale=language, header_comment=HEADER, fuzzy=False))
            )
    for language in translations():
        for path, content in written(language).items():
            path.write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1:])
