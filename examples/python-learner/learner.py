"""Runs the Beta-Thompson learner against a live engine, until Ctrl-C or SIGTERM.

    python learner.py --learner python-pickup --nats nats://127.0.0.1:4222 --user learner --password-file FILE

It claims its lease, goes on from what was saved last, learns, publishes and saves. Where the lease is lost (the process
was paused, the engine moved) it begins again from what was saved: experience counts once, however often that happens.
"""

import argparse
import asyncio
import os
import signal
import socket
from pathlib import Path

from attune import EngineError, LearnerClient
from beta_thompson import BetaThompson


async def session(client: LearnerClient, stopped: asyncio.Event) -> None:
    """Learns from one claim until it is stopped. Raises EngineError LEARNER_LEASE_LOST where the lease is lost."""
    claim = await client.claim()
    learner = BetaThompson(claim.config, claim.state)
    cursor, experiences = claim.cursor, claim.experiences
    say(f"claimed epoch {claim.epoch} for {claim.surface}, {experiences} experiences so far")
    unpublished = False
    while not stopped.is_set():
        page = await client.next(cursor)
        learned = sum(learner.learn(record["experience"]) for record in page["records"])
        cursor = page["cursor"]
        experiences += learned
        unpublished = unpublished or learned > 0
        # Publish once everything that is there has been learned, and save after it: a crash between the two publishes the
        # same once more, while the other way round it would stay unpublished until something new is learned.
        if unpublished and page["idle"]:
            unpublished = not await publish(client, learner, cursor, experiences)
            if learned or not unpublished:
                await client.save(learner.save(), cursor, experiences)
    await client.save(learner.save(), cursor, experiences)
    await client.release()


async def publish(client: LearnerClient, learner: BetaThompson, cursor: str | None, experiences: int) -> bool:
    """Publishes what was learned; false where it has to wait for the verdict on what was published before."""
    try:
        version, outcome = await client.publish(BetaThompson.FAMILY, learner.parameters(), cursor, experiences)
    except EngineError as error:
        if error.code != "LEARNER_ON_TRIAL":
            raise
        return False
    trial = ", which is on trial" if outcome == "on-trial" else ""
    say(f"published version {version} after {experiences} experiences{trial}")
    return True


async def main() -> None:
    arguments = parse_arguments()
    password = Path(arguments.password_file).read_text().strip() if arguments.password_file else arguments.password
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    worker = f"{socket.gethostname()}-{os.getpid()}"
    async with LearnerClient(arguments.learner, arguments.nats, arguments.user, password, worker) as client:
        while not stopped.is_set():
            try:
                await session(client, stopped)
            except EngineError as error:
                if error.code != "LEARNER_LEASE_LOST":
                    raise
                say("the lease is lost: claiming it again")
    say("stopped")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A Beta-Thompson learner for Attune in a process of its own.")
    parser.add_argument("--learner", required=True, help="its id in the engine's configuration (kind: external)")
    parser.add_argument("--nats", default="nats://127.0.0.1:4222", help="where NATS is")
    parser.add_argument("--user", default="learner", help="NATS user")
    parser.add_argument("--password", default=os.environ.get("ATTUNE_LEARNER_PASSWORD", ""), help="its password")
    parser.add_argument("--password-file", help="a file with the password, as in .attune/nats/learner.password")
    return parser.parse_args()


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
