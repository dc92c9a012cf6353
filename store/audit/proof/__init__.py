"""Proves the audit trail, a keyed hash chain, with the standard library and the key alone.

This folder imports nothing from outside, so that an auditor can copy it and run it anywhere:

    AUDIT_KEY=… python3 -m proof INC-142.json [the head that was posted]

Every row of the trail has a number without gaps and three things made with HMAC-SHA256 and the key:

    body = HMAC("body" ‖ at, kind, incident, subject, actor, detail)
    mac  = HMAC("link" ‖ seq, mac of the row before, body)
    seal = HMAC("anchor" ‖ name, seq, mac, at, note)            of an anchor, see below

An edited row has another body; a row that is missing, moved or inserted breaks the link of the next
one. The anchor `head` names the last row, so it shows that rows were cut off at the end. An older
copy of the whole trail lacks the head that was posted elsewhere since. Body and link are separate
macs, so that an export can prove that other rows lie in between without showing them.
"""
