"""A stand-in of a MongoDB server that remembers, written from the wire protocol's document.

It speaks OP_MSG and SCRAM-SHA-256, and knows the few commands that the gateway sends. No registry
that our machines reach has a server. https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import bson

Document = dict[str, Any]
_OP_REPLY, _OP_QUERY, _OP_MSG = 1, 2004, 2013
_HEADER = struct.Struct("<iiii")
_ROUNDS = 4096


@dataclass
class MongodbStandin:
    """One server. A killed operation is gone at the next reading, unless it `ignores` kills.

    `may_kill` False is a user without the right `killop`; `silent` names a command that is never
    answered; `members` are those of its replica set.
    """

    port: int = 0
    user: str = ""
    password: str = ""
    ignores: bool = False
    may_kill: bool = True
    silent: str = ""
    members: list[Document] = field(default_factory=list)
    operations: list[Document] = field(default_factory=list)
    kills: list[int] = field(default_factory=list)
    rows: Any = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def operation(
        self, namespace: str, *, seconds: int = 900, user: str = "shop", **more: Any
    ) -> int:
        """Let a client run an operation, and return its opid."""
        opid = 100 + len(self.operations) + len(self.kills)
        self.operations.append(
            {
                "type": "op", "active": True, "opid": opid, "op": "query", "ns": namespace,
                "secs_running": seconds, "microsecs_running": seconds * 1_000_000,
                "client": f"10.0.0.9:{40000 + opid}", "connectionId": opid, "appName": "shop",
                "effectiveUsers": [{"user": user, "db": "admin"}],
                "command": {"find": "orders", "filter": {"card": "4000 0000 0000 0002"}},
            }
            | more
        )  # fmt: skip
        return opid

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until it is closed."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session: Document = {"in": not self.user}
        with contextlib.suppress(
            asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
        ):
            while True:
                length, request, _, code = _HEADER.unpack(await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                answer = self._answer(_command(code, body), session)
                if answer is None:
                    await asyncio.Event().wait()
                writer.write(_message(code, request, bson.encode(answer or {})))
                await writer.drain()
        writer.close()
        self._tasks.discard(task)

    def _answer(self, command: Document, session: Document) -> Document | None:
        name = next(iter(command))
        if name == self.silent:
            return None
        if name.lower() in ("hello", "ismaster"):
            return {
                "ok": 1.0, "isWritablePrimary": True, "ismaster": True, "helloOk": True,
                "minWireVersion": 0, "maxWireVersion": 21, "maxBsonObjectSize": 16_777_216,
                "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "readOnly": False,
                "saslSupportedMechs": ["SCRAM-SHA-256"],
            }  # fmt: skip
        if name in ("saslStart", "saslContinue"):
            return self._login(name, command["payload"], session)
        if name == "endSessions":
            return {"ok": 1.0}
        if not session["in"]:
            return _error(13, "Unauthorized", f"command {name} requires authentication")
        return self._command(name, command)

    def _command(self, name: str, command: Document) -> Document:
        match name:
            case "buildInfo":
                return {"ok": 1.0, "version": "8.0.4"}
            case "serverStatus":
                return {
                    "ok": 1.0, "version": "8.0.4", "uptime": 3600.0, "mem": {"resident": 512},
                    "connections": {"current": 12, "available": 88, "active": 3},
                }  # fmt: skip
            case "replSetGetStatus" if self.members:
                return {"ok": 1.0, "set": "rs0", "members": self.members}
            case "replSetGetStatus":
                return _error(76, "NoReplicationEnabled", "not running with --replSet")
            case "aggregate" if command["pipeline"][0]["$currentOp"]["allUsers"]:
                rows = self.operations if self.rows is None else self.rows
                return {"ok": 1.0, "cursor": {"id": 0, "ns": "admin.$cmd", "firstBatch": rows}}
            case "killOp" if not self.may_kill:
                return _error(13, "Unauthorized", "not authorized on admin to execute killOp")
            case "killOp":
                self.kills.append(command["op"])
                if not self.ignores:
                    self.operations = [o for o in self.operations if o["opid"] != command["op"]]
                return {"ok": 1.0, "info": "attempting to kill op"}
        return _error(59, "CommandNotFound", f"no such command: {name}")

    def _login(self, name: str, payload: bytes, session: Document) -> Document:
        """Two steps of SCRAM-SHA-256, RFC 5802 and 7677."""
        fields = dict(part.split("=", 1) for part in payload.decode().split(",") if "=" in part)
        if name == "saslStart":
            salt = os.urandom(28)
            nonce = fields["r"] + base64.b64encode(os.urandom(12)).decode()
            first = f"r={nonce},s={base64.b64encode(salt).decode()},i={_ROUNDS}"
            bare = payload.decode().split(",", 2)[2]
            session |= {"salt": salt, "first": first, "bare": bare, "user": fields["n"]}
            return {"ok": 1.0, "conversationId": 1, "done": False, "payload": first.encode()}
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), session["salt"], _ROUNDS)
        without_proof = payload.decode().rpartition(",p=")[0]
        text = f"{session['bare']},{session['first']},{without_proof}".encode()
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(key).digest(), text)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if session["user"] != self.user or fields["p"] != base64.b64encode(proof).decode():
            return _error(18, "AuthenticationFailed", "Authentication failed.")
        session["in"] = True
        server = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), text)).decode()
        return {"ok": 1.0, "conversationId": 1, "done": True, "payload": f"v={server}".encode()}

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _error(code: int, name: str, message: str) -> Document:
    return {"ok": 0.0, "code": code, "codeName": name, "errmsg": message}


def _command(code: int, body: bytes) -> Document:
    if code == _OP_MSG:  # flags, then a section of kind 0
        return bson.decode(body[5:])
    if code == _OP_QUERY:  # flags, name, skip, limit, document: only the first hello
        return bson.decode(body[body.index(b"\0", 4) + 9 :])
    raise ConnectionError(f"opcode {code}")


def _message(code: int, request: int, document: bytes) -> bytes:
    if code == _OP_QUERY:
        rest = struct.pack("<iqii", 8, 0, 0, 1) + document
        return _HEADER.pack(16 + len(rest), 0, request, _OP_REPLY) + rest
    rest = struct.pack("<IB", 0, 0) + document
    return _HEADER.pack(16 + len(rest), 0, request, _OP_MSG) + rest


@asynccontextmanager
async def mongodb_standin() -> AsyncIterator[MongodbStandin]:
    """A server on a free port."""
    standin = MongodbStandin()
    server = await asyncio.start_server(standin.serve, "127.0.0.1", 0)
    standin.port = server.sockets[0].getsockname()[1]
    try:
        yield standin
    finally:
        server.close()
        await standin.close()
        await server.wait_closed()
