"""Sends a notice by SMTP, with TLS, on a thread."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Literal

from bot.errors import OutcomeUnknown
from bot.notify.model import NotTaken, OutsideMessage

TIMEOUT = 20.0  # seconds of one step of the conversation with the server


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpOptions:
    """The server, how to log in there, and the addresses."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    user: str
    password: str
    sender: str
    recipients: tuple[str, ...]
    ca_file: Path | None = None


class EmailTarget:
    """Mails each notice to all recipients."""

    name = "email"

    def __init__(self, options: SmtpOptions) -> None:
        self._options = options

    async def send(self, message: OutsideMessage) -> None:
        """Send it. NotTaken if the server refused it, OutcomeUnknown if its answer is missing."""
        await asyncio.to_thread(self._send, message)

    async def check(self) -> None:
        """Log in at the server and send nothing. NotTaken with the reason if that fails."""
        await asyncio.to_thread(lambda: self._connect().quit())

    def _send(self, message: OutsideMessage) -> None:
        options, mail = self._options, self._bytes(message)
        server = self._connect()
        try:
            try:
                refused = server.mail(options.sender)[0] != 250 or any(
                    server.rcpt(recipient)[0] not in (250, 251) for recipient in options.recipients
                )
            except (OSError, smtplib.SMTPException) as error:
                raise NotTaken(_reason(error)) from error
            if refused:
                raise NotTaken("the mail server refused the sender or a recipient")
            # From here on the server may have taken the mail without our knowing it.
            try:
                code, _ = server.data(mail)
            except smtplib.SMTPDataError as error:
                raise NotTaken(_reason(error)) from error
            except (OSError, smtplib.SMTPException) as error:
                raise OutcomeUnknown("the mail server did not answer") from error
            if code != 250:
                raise NotTaken(f"the mail server answered {code}")
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        """A connection that is logged in."""
        options = self._options
        try:
            context = ssl.create_default_context(cafile=options.ca_file)
            if options.tls == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    options.host, options.port, timeout=TIMEOUT, context=context
                )
            else:
                server = smtplib.SMTP(options.host, options.port, timeout=TIMEOUT)
            try:
                server.ehlo()
                if options.tls == "starttls":
                    server.starttls(context=context)
                    server.ehlo()
                if options.user:
                    server.login(options.user, options.password)
            except BaseException:
                server.close()
                raise
        except (OSError, smtplib.SMTPException) as error:
            raise NotTaken(_reason(error)) from error
        return server

    def _bytes(self, message: OutsideMessage) -> bytes:
        """Return the mail. NotTaken, before anything is sent, if it cannot be written."""
        try:
            return self._mail(message).as_bytes()
        except (MessageError, ValueError) as error:
            raise NotTaken(f"the mail cannot be written: {type(error).__name__}") from error

    def _mail(self, message: OutsideMessage) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._options.sender
        mail["To"] = ", ".join(self._options.recipients)
        # The library would decode `=?utf-8?q?=0a…?=` of a stranger, line ends included.
        mail["Subject"] = message.title.replace("=?", "= ?")
        mail["Date"] = formatdate()
        mail["Message-ID"] = f"<{message.key.replace(':', '.')}@sopbot.invalid>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
        mail.set_content(message.text)
        return mail


def _reason(error: Exception) -> str:
    """Name the failure without the server's text, which may repeat the login."""
    code = getattr(error, "smtp_code", "")
    return f"the mail server: {type(error).__name__}{f' {code}' if code else ''}"
