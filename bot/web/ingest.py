"""POST /alerts/{source}, /deploys and /incident: alerts, deploys and questions by HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.advice.model import Subject, advice_from
from bot.errors import AdvisorError, InputError
from bot.fast_json import ascii_text
from bot.incidents import keys
from bot.intake import Reading, is_known_source, source_name
from bot.intake.deploy_request import parse_deploy_request
from bot.intake.incident_request import IncidentRequest, parse_incident_request
from bot.response import Delivery, IncidentService
from bot.response.advise import guidance_of, history
from bot.web.alert_bodies import AlertBodies
from bot.web.body import body_bytes, incident_body, json_body
from bot.web.sns import SnsVerifier
from store.topics import Topic

REASONS_TOLD = 10
TRACKING_HEADER = "X-Tracking-Id"
KEY_LIMIT = 200  # characters of an Idempotency-Key


class IngestEndpoints:
    """The endpoints. `channel` gets the card of a new incident that no route matches."""

    def __init__(
        self,
        service: IncidentService,
        channel: str,
        clock: Callable[[], datetime],
        answer_timeout: float,
        sns: SnsVerifier,
    ) -> None:
        self._service = service
        self._channel = channel
        self._clock = clock
        self._answer_timeout = answer_timeout
        self._bodies = AlertBodies(channel, sns, service.config)

    def knows(self, source: str) -> bool:
        """Return whether a parser or a mapping reads POST /alerts/{source}."""
        return is_known_source(source, self._service.config.current.mappings)

    async def alerts(self, request: web.Request) -> web.Response:
        """Answer 202 after every alert of the body is stored."""
        arrived_at = self._clock()
        source = source_name(request.match_info.get("source", "alertmanager"))
        key = await self._key(request)
        data = await body_bytes(request)
        reading, delivery = await self._bodies.read_bytes(source, data, request.content_type, key)
        receipt = await self._service.receive(replace(delivery, arrived_at=arrived_at))
        answer = {
            "accepted": receipt.accepted,
            "duplicates": receipt.duplicates,
            "tracking_ids": list(receipt.tracking_ids),
            "activities": {"stored": receipt.activities, "unmatched": receipt.unmatched},
            **_understood(reading),
        }
        return web.Response(
            text=ascii_text(answer) or json.dumps(answer),
            status=202,
            headers=_tracking(receipt.tracking_ids),
            content_type="application/json",
        )

    async def deploy(self, request: web.Request) -> web.Response:
        """Answer 202 after the reported deploy is stored."""
        report = parse_deploy_request(await json_body(request), self._clock())
        new = await self._service.record_deploy(report)
        return web.json_response({"accepted": new, "duplicates": 1 - new}, status=202)

    async def incident(self, request: web.Request) -> web.Response:
        """Answer a prompt, or accept an alert and answer with the advice about it."""
        body = parse_incident_request(await incident_body(request))
        if body.alert is not None:
            return await self._alert_answered(request, body)
        return await self._prompt_answered(body)

    async def _key(self, request: web.Request) -> str:
        """Return the sender's Idempotency-Key with a hash of the body, else a unique key.

        The body is part of it, because another alert under a reused key must not be lost.
        """
        key = request.headers.get("Idempotency-Key", "").strip()
        if len(key) > KEY_LIMIT:
            raise InputError(
                f"Idempotency-Key: at most {KEY_LIMIT} characters.", field="Idempotency-Key"
            )
        if not key:
            # Keys in order of time: each random key would change another page of the store.
            return f"http/{request.path}/{time.time_ns():016x}-{random.getrandbits(64):016x}"
        digest = hashlib.sha256(await body_bytes(request)).hexdigest()
        return f"http/{request.path}/{key}/{digest[:32]}"

    async def _prompt_answered(self, body: IncidentRequest) -> web.Response:
        store, now = self._service.store, self._clock()
        sop_id = body.sop_id or await store.sop_of_key(body.incident_key)
        sop_id = sop_id or keys.sop_id_of(body.incident_key)
        tracking_id = keys.new_tracking_id(now)
        await store.note_question(
            tracking_id, body.incident_key, sop_id, named=bool(body.sop_id), now=now
        )
        sop = self._service.sops.get(sop_id)
        advice = await self._service.advice_queue.answer(
            Subject(
                incident_key=body.incident_key,
                sop_id=sop_id,
                question=body.prompt,
                guidance=guidance_of(sop, None, now) if sop else None,
                history=await history(store, sop_id),
                now=now,
            )
        )
        await store.note_answer(tracking_id, advice.source, self._clock())
        return _answer(advice.answer, sop_id, body.incident_key, advice.source, tracking_id)

    async def _alert_answered(
        self, request: web.Request, request_body: IncidentRequest
    ) -> web.Response:
        if request_body.alert is None:
            raise AssertionError("only called with an alert")
        delivery = Delivery(
            await self._key(request), self._channel, [request_body.alert], sender="http:incident"
        )
        receipt = await self._service.receive(delivery)
        store, now = self._service.store, self._clock()
        if not receipt.incident_ids:
            return web.json_response(
                {"accepted": receipt.accepted, "duplicates": receipt.duplicates}, status=202
            )
        incident = await store.incident(receipt.incident_ids[0])
        if receipt.opened:
            body = await self._advice_of(incident.id)
            advice = advice_from(body)
        else:
            sop = self._service.sops.get(incident.sop_id)
            advice = await self._service.advice_queue.answer(
                Subject(
                    incident_key=incident.incident_key,
                    sop_id=incident.sop_id,
                    about=request_body.alert,
                    question=request_body.prompt,
                    guidance=guidance_of(sop, request_body.alert, now) if sop else None,
                    history=await history(store, incident.sop_id),
                    now=now,
                )
            )
        return _answer(
            advice.answer,
            incident.sop_id,
            incident.incident_key,
            advice.source,
            receipt.tracking_ids[0],
        )

    async def _advice_of(self, incident_id: int) -> dict[str, object]:
        """Return the advice of the thread: a second call of the model would waste its time."""
        store = self._service.store
        signal = store.signal(Topic.ADVICE_GIVEN)
        try:
            async with asyncio.timeout(self._answer_timeout):
                while True:
                    signal.clear()
                    record = await store.first_advice(incident_id)
                    if record and record.body is not None:
                        return record.body
                    await signal.wait()
        except TimeoutError as error:
            raise AdvisorError(
                "timeout",
                "The advice is not there yet.",
                remedy="It comes into the incident's thread.",
            ) from error


def _understood(reading: Reading) -> dict[str, Any]:
    """Return whether parsers read all of a body, and if not, why."""
    if not reading.reasons:
        return {"understood": True}
    return {"understood": False, "reason": "; ".join(reading.reasons[:REASONS_TOLD])}


def _tracking(tracking_ids: Sequence[str]) -> dict[str, str]:
    """Return the header with the tracking ids, at most ten: the body has all of them."""
    return {TRACKING_HEADER: ", ".join(tracking_ids[:10])} if tracking_ids else {}


def _answer(
    answer: str, sop_id: str, incident_key: str, source: str, tracking_id: str
) -> web.Response:
    return web.json_response(
        {
            "answer": answer,
            "sop_id": sop_id,
            "incident_key": incident_key,
            "source": source,
            "tracking_id": tracking_id,
        },
        headers=_tracking([tracking_id]),
    )
