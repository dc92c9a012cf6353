"""A stand-in for Amazon SNS: signs messages, serves its certificate, remembers the fetches."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE_URL = f"{HOST}/SimpleNotificationService-0123456789abcdef.pem"
ACCOUNT = "000011112222"


class Sns:
    """Amazon's side: signs messages, serves its certificate, remembers who asked for it."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificates = {CERTIFICATE_URL: self.certificate()}
        self.fetched: list[str] = []

    def certificate(self, *, ends: timedelta = timedelta(days=365)) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + ends)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        await asyncio.sleep(0)  # others run while a certificate is on its way
        if url not in self.certificates:
            raise ValueError("answered 404")
        return self.certificates[url]

    def signed(self, kind: str, version: str = "2", **fields: str) -> dict[str, Any]:
        """A message as SNS posts it, signed over the lines that Amazon's documentation lists."""
        body = {
            "Type": kind,
            "MessageId": "m-1",
            "TopicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:harbour-alarms",
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        } | fields
        if kind == "Notification":
            keys = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
            keys = [key for key in keys if key in body]
        else:
            keys = [
                "Message",
                "MessageId",
                "SubscribeURL",
                "Timestamp",
                "Token",
                "TopicArn",
                "Type",
            ]
        lines = "".join(f"{key}\n{body[key]}\n" for key in keys)
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - version 1
        signature = self._key.sign(lines.encode(), padding.PKCS1v15(), algorithm)
        return body | {
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": CERTIFICATE_URL,
        }

    def alarm(self, state: str = "ALARM", version: str = "2", **fields: str) -> dict[str, Any]:
        message = {"AlarmName": "prod-tide-gauge-cpu-high", "NewStateValue": state}
        value = {"Message": json.dumps(message), "MessageId": f"m-{state}"} | fields
        return self.signed("Notification", version, **value)

    def confirmation(self, kind: str = "SubscriptionConfirmation") -> dict[str, Any]:
        return self.signed(
            kind,
            Message="You have chosen to subscribe to the topic.",
            Token="t-1",
            SubscribeURL=f"{HOST}/?Action=ConfirmSubscription&Token=t-1",
        )
