"""A mail server over a real socket that keeps the mails, with STARTTLS, login and failures."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.helpers.certificates import make_certificate

USER, PASSWORD = "bot", "a mail password"


class SmtpServer:
    """`refuses` names a verb that it answers with 550, `hangs_up_after_data` breaks off there."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[str] = []
        self.was_encrypted: list[bool] = []
        self.refuses = ""
        self.hangs_up_after_data = False
        self.port = 0
        self._context = context

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it goes."""
        try:
            writer.write(b"220 mail.test ready\r\n")
            while line := await reader.readline():
                if not await self._answer(line.decode().strip(), reader, writer):
                    break
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        encrypted = writer.get_extra_info("ssl_object") is not None
        if verb == self.refuses:
            writer.write(b"550 not for you\r\n")
        elif verb == "EHLO":
            offers = "AUTH PLAIN" if encrypted else "STARTTLS"
            writer.write(f"250-mail.test\r\n250 {offers}\r\n".encode())
        elif verb == "STARTTLS":
            writer.write(b"220 go ahead\r\n")
            await writer.start_tls(self._context)
        elif verb == "AUTH":
            self.logins.append(base64.b64decode(rest.split()[1]).decode())
            writer.write(b"235 welcome\r\n")
        elif verb == "RCPT":
            self.recipients.append(rest)
            writer.write(b"250 ok\r\n")
        elif verb == "DATA":
            writer.write(b"354 go on\r\n")
            raw = await reader.readuntil(b"\r\n.\r\n")
            self.mails.append(message_from_bytes(raw[:-3], policy=policy.default))  # type: ignore[arg-type]
            self.was_encrypted.append(encrypted)
            if self.hangs_up_after_data:
                return False
            writer.write(b"250 taken\r\n")
        elif verb == "QUIT":
            writer.write(b"221 bye\r\n")
            return False
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def smtp_server(folder: Path) -> AsyncIterator[SmtpServer]:
    """The server on a free port; `cert.pem` in the folder vouches for it."""
    await asyncio.to_thread(make_certificate, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = SmtpServer(context)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
