"""`python3 -m proof EXPORT [HEAD]` verifies an export; the key comes from AUDIT_KEY."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .export import read_export, verify_export
from .rows import Fault


def main(argv: list[str]) -> int:
    """Verify one export. Returns the exit status."""
    key = os.environ.get("AUDIT_KEY", "").encode()
    if not key or len(argv) not in (1, 2):
        print("usage: AUDIT_KEY=… python3 -m proof EXPORT [HEAD]", file=sys.stderr)
        return 2
    try:
        export = read_export(Path(argv[0]).read_text(encoding="utf-8"))
        rows, until = verify_export(key, export, head="".join(argv[1:]))
    except (Fault, OSError, UnicodeDecodeError) as wrong:
        print(f"✗ {wrong}")
        return 1
    print(
        f"✓ {export['incident']}: every part is unchanged since the export;"
        f" {rows} rows to head {until}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
