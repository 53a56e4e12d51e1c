"""A client for learners that run outside Attune's process: requests to `attune.learner.<id>.<verb>`, JSON both ways.

It speaks the protocol of docs/learners.md and knows nothing of how a learner learns. Needs nats-py (pip install nats-py).
"""

import asyncio
import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Any

import nats
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

# Characters of text in one message: below the server's max_payload however they are escaped.
PIECE_CHARACTERS = 128 * 1024
# An engine that serves the learner answers well within it. Across NATS accounts nobody says that nobody is there.
REQUEST_SECONDS = 2.0
# Longer than a lease lives: whoever serves the learner may have died.
PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.3


class EngineError(Exception):
    """What the engine answered instead. `code` is one of docs/errors.md."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.field: str | None = error.get("field")
        self.retry_after_seconds: float = error.get("retryAfterMs", 500) / 1000


@dataclass(frozen=True)
class Claim:
    """The lease, and what the engine knows of this learner."""

    epoch: int
    surface: str
    policy: str
    config: Any
    seed: int
    renew_seconds: float
    # Where the saved state stopped; None where the learner begins.
    cursor: str | None
    experiences: int
    # The text that was saved last; None where nothing was.
    state: str | None


class LearnerClient:
    """One process of one learner. Use it as `async with LearnerClient(...) as client`."""

    def __init__(self, learner: str, servers: str, user: str, password: str, worker: str) -> None:
        self._learner = learner
        self._options = {"servers": servers, "user": user, "password": password}
        # Made anew at every start: a restarted process does not take its former self's lease for its own.
        self._owner = {"worker": worker, "instance": uuid.uuid4().hex}
        self._token = token_of(learner)
        self._epoch = 0
        # The secret that goes with the epoch, which alone could be guessed.
        self._session = ""
        self._heartbeat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "LearnerClient":
        # An inbox of its own, which is all that a learner may subscribe to (config/nats/learners.conf).
        prefix = f"_INBOX.{self._token}".encode()
        self._nc = await nats.connect(**self._options, inbox_prefix=prefix, max_reconnect_attempts=-1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_heartbeat()
        await self._nc.close()

    async def claim(self) -> Claim:
        """Waits until the lease is free, takes it, keeps it alive from then on, and loads what was saved."""
        self._stop_heartbeat()
        while True:
            try:
                answer = await self._ask("claim", self._owner)
                break
            except EngineError as error:
                if error.code != "LEARNER_LEASE_HELD":
                    raise
                await asyncio.sleep(min(error.retry_after_seconds, 1.0))
        self._epoch = answer["epoch"]
        self._session = answer["session"]
        checkpoint = answer["checkpoint"]
        renew_seconds = answer["renewMs"] / 1000
        self._heartbeat = asyncio.create_task(self._keep_alive(renew_seconds))
        return Claim(
            epoch=answer["epoch"],
            surface=answer["surface"],
            policy=answer["policy"],
            config=answer["config"],
            seed=answer["seed"],
            renew_seconds=renew_seconds,
            cursor=checkpoint["cursor"] if checkpoint else None,
            experiences=checkpoint["experiences"] if checkpoint else 0,
            state=await self._load(checkpoint["parts"]) if checkpoint else None,
        )

    async def next(self, cursor: str | None, max_records: int = 256, wait_seconds: float = 1.0) -> dict[str, Any]:
        """The experiences behind the cursor: {"records": [...], "cursor": ..., "position": ..., "idle": ...}."""
        request = {"cursor": cursor, "max": max_records, "waitMs": round(wait_seconds * 1000)}
        return await self._ask("next", self._own(request), patience=wait_seconds)

    async def publish(self, family: str, parameters: Any, cursor: str | None, experiences: int) -> tuple[int, str]:
        """Publishes the next version of this learner's policy; gives its number and what became of it: "live", or "on-trial"
        where the engine has a gate for it. Raises EngineError LEARNER_ON_TRIAL while another version is on trial."""
        # NaN is no JSON: better found here than refused there.
        text = json.dumps(parameters, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        request = {
            "schema": 1,
            "family": family,
            # Over the bytes as they are sent: nobody has to write a number the way another language does.
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "cursor": cursor,
            "experiences": experiences,
            **await self._text("parameters", text),
        }
        reply = await self._ask("publish", self._own(request))
        return reply["version"], reply["outcome"]

    async def save(self, state: str, cursor: str | None, experiences: int) -> None:
        """Saves what the next process goes on from: the state, and the cursor up to which it has learned."""
        request = {"cursor": cursor, "experiences": experiences, **await self._text("state", state)}
        await self._ask("save", self._own(request))

    async def release(self) -> None:
        """Gives the lease back, so that another process need not wait for it to run out."""
        self._stop_heartbeat()
        await self._ask("release", self._own({}))

    async def _keep_alive(self, every_seconds: float) -> None:
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self._ask("renew", self._own({}))
            except EngineError as error:
                if error.code == "LEARNER_LEASE_LOST":
                    return  # The next request hears the same, and the learner claims again.

    def _stop_heartbeat(self) -> None:
        if self._heartbeat:
            self._heartbeat.cancel()
            self._heartbeat = None

    async def _load(self, parts: int) -> str:
        pieces = [(await self._ask("load", self._own({"part": part})))["text"] for part in range(parts)]
        return "".join(pieces)

    async def _text(self, field: str, text: str) -> dict[str, str]:
        """A text inside the request itself, or sent ahead in pieces where it is too long."""
        if len(text) <= PIECE_CHARACTERS // 2:
            return {field: text}
        upload = uuid.uuid4().hex
        # Half as many code points as the engine allows UTF-16 units: one code point is at most two of them.
        size = PIECE_CHARACTERS // 2
        for part, start in enumerate(range(0, len(text), size)):
            piece = {"upload": upload, "part": part, "text": text[start : start + size]}
            await self._ask("upload", self._own(piece))
        return {"upload": upload}

    def _own(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"epoch": self._epoch, "session": self._session, **request}

    async def _ask(self, verb: str, request: dict[str, Any], patience: float = 0.0) -> dict[str, Any]:
        """Asks until there is an answer: every request may be repeated. Raises EngineError for a refusal."""
        timeout = REQUEST_SECONDS + patience
        subject = f"attune.learner.{self._token}.{verb}"
        payload = json.dumps(request, ensure_ascii=False).encode()
        give_up_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                message = await self._nc.request(subject, payload, timeout=timeout)
                break
            except (NoRespondersError, NatsTimeoutError):
                if asyncio.get_running_loop().time() >= give_up_at:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
        answer = json.loads(message.data)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer


def token_of(learner: str) -> str:
    """An id as one token of a subject: bytes other than letters, digits, `_` and `-` are written `=HH`."""
    safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    return "".join(chr(b) if b in safe else f"={b:02X}" for b in learner.encode())
