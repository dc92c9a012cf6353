"""The archive of the operator's files beside a backup of the store. No secret is in it."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.errors import InputError
from bot.policy.includes import included_files
from bot.policy.reading import APPROVERS_FILE
from bot.regular_files import read_regular

LARGEST = 64 * 1_048_576  # bytes of all files together
MOST = 10_000  # files
SHORTEST_SECRET = 8  # characters: a shorter value may stand in a file by chance


@dataclass(frozen=True, slots=True)
class ConfigurationFiles:
    """The places of the operator's files. A file or a folder that is not there is left out."""

    policy: Path
    shadow_policy: Path | None
    services: Path
    sops: Path
    sources: Path
    gateways: Path

    def named(self) -> Iterator[tuple[str, Path]]:
        """Yield each present file with its name in the archive, in the archive's order.

        What the policy includes keeps its place below the policy's folder.
        """
        beside = self.policy.parent
        single = (
            ("policy.yaml", self.policy),
            *((name, beside / name) for name in self._included()),
            (APPROVERS_FILE, beside / APPROVERS_FILE),
            ("task_instructions.md", beside / "task_instructions.md"),
            ("policy_shadow.yaml", self.shadow_policy),
            ("services.yaml", self.services),
            ("gateways.yaml", self.gateways),
        )
        yield from ((name, path) for name, path in single if path is not None and path.exists())
        for folder, path, pattern in (
            ("sops", self.sops, "*.jsonl"),
            ("sources", self.sources, "*.yaml"),
        ):
            yield from ((f"{folder}/{file.name}", file) for file in sorted(path.glob(pattern)))

    def _included(self) -> list[str]:
        """Return the files that the policies of this folder include; none of one with a mistake."""
        names: dict[str, None] = {}
        for policy in (self.policy, self.shadow_policy):
            if policy is not None and policy.parent == self.policy.parent:
                # The store must be backed up all the same, and the bot goes on with the policy that
                # it has read before.
                with suppress(InputError, OSError, UnicodeDecodeError):
                    names |= dict.fromkeys(included_files(policy))
        return list(names)


def write_archive(files: ConfigurationFiles, target: Path, secrets: Sequence[str]) -> list[str]:
    """Write the files to a new tar.gz that only its owner can read. Returns their names.

    InputError, and no archive, for a file that holds one of `secrets` (an archive is copied to
    places where no secret belongs), that cannot be read, or that passes a limit. The names of the
    archive never depend on this machine's folders.
    """
    texts = list(_texts(files.named(), [s for s in secrets if len(s) >= SHORTEST_SECRET]))
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with (
        os.fdopen(handle, "wb") as out,
        gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in texts:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o640
            archive.addfile(member, io.BytesIO(data))
    return [name for name, _ in texts]


def _texts(
    named: Iterable[tuple[str, Path]], secrets: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    size = 0
    for count, (name, path) in enumerate(named, 1):
        try:
            text = read_regular(path, "surrogateescape")
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        if any(secret in text for secret in secrets):
            raise InputError(
                f"{path} holds the value of a secret setting, so it is not backed up.",
                remedy="Take the value out of the file; a setting belongs in the environment.",
            )
        data = text.encode("utf-8", "surrogateescape")
        size += len(data)
        if size > LARGEST or count > MOST:
            raise InputError(f"The operator's files are over {LARGEST // 1_048_576} MiB or {MOST}.")
        yield name, data
