"""files.*: the three steps of an upload."""

import secrets
from typing import Any

from .. import content, normalise
from ..core import Core, File
from ..refusal import Refusal
from .args import joined_channel

JSON = dict[str, Any]


def get_upload_url(core: Core, args: JSON) -> JSON:
    """files.getUploadURLExternal."""
    name, length = str(args.get("filename") or ""), str(args.get("length") or "")
    if not name or not length.isdigit() or int(length) < 1:
        raise Refusal("invalid_arguments")
    made = File(f"F0{secrets.token_hex(4).upper()}", name, core.workspace.app.user_id)
    core.files[made.id] = made
    return {"upload_url": f"{core.base_url}/upload/v1/{made.id}", "file_id": made.id}


def complete_upload(core: Core, args: JSON) -> JSON:
    """files.completeUploadExternal: share what was uploaded, in a channel when one is given."""
    listed = content.decoded(args.get("files"), "invalid_arguments")
    if not isinstance(listed, list) or not listed:
        raise Refusal("invalid_arguments")
    done: list[JSON] = []
    for item in listed:
        file = core.files.get(str(item.get("id"))) if isinstance(item, dict) else None
        if file is None or file.content is None:
            raise Refusal("file_not_found")
        file.title = str(item.get("title") or file.name)
        done.append(as_json(core, file))
    if args.get("channel_id"):
        body: JSON = {
            "text": normalise.text(str(args.get("initial_comment") or "")),
            "files": done,
            "upload": True,
        }
        core.workspace.post(
            joined_channel(core, args, "channel_id"),
            {"subtype": "file_share", **core.workspace.our_author()},
            body,
            thread_ts=str(args["thread_ts"]) if args.get("thread_ts") else None,
        )
    return {"files": done}


def as_json(core: Core, file: File) -> JSON:
    """The file object in a message."""
    size = len(file.content or b"")
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "user": file.user,
        "size": size,
        "mode": "hosted",
        "is_external": False,
        "url_private": f"{core.base_url}/files-pri/{file.id}",
        "url_private_download": f"{core.base_url}/files-pri/{file.id}",
    }


METHODS = {
    "files.getUploadURLExternal": get_upload_url,
    "files.completeUploadExternal": complete_upload,
}
