"""Reads the files that an operator names, and never blocks on one.

It imports nothing of ours, so that the gateway's process can use it too.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST = 4_194_304  # bytes; a config, a policy and a file of SOPs are a few kilobytes


def read_regular(path: Path, errors: str = "strict") -> str:
    """Return the text of a regular file; UnicodeDecodeError if it is not UTF-8.

    OSError for an unreadable file, for a file over 4 MiB, and for a pipe, a device or a folder:
    opening a pipe blocks, and /dev/zero has no end.
    """
    # O_NONBLOCK: opening a pipe to read it would wait for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, f"it is over {LARGEST // 1_048_576} MiB", str(path))
    return data.decode("utf-8", errors).replace("\r\n", "\n").replace("\r", "\n")
