"""A learner of its own: one Beta posterior a candidate, with fractional successes (Thompson 1933).

It is the built-in kind `beta-thompson` once more, in another language: replace it by what you came for.
"""

import json
from typing import Any


class BetaThompson:
    FAMILY = "beta-thompson"

    def __init__(self, config: Any, state: str | None) -> None:
        prior = (config or {}).get("prior", [1, 1])
        self._prior = (float(prior[0]), float(prior[1]))
        # Pairs keep the order of first trials, which makes what is published the same after every restart.
        self._arms: dict[str, list[float]] = dict(json.loads(state)["arms"]) if state else {}

    def learn(self, experience: dict[str, Any]) -> bool:
        """Learns from one experience; False where it says nothing about what a candidate is worth."""
        if experience["status"] != "complete":
            return False
        slate = experience["slate"]
        credited = experience["rewardedId"] or (slate[0]["id"] if slate else None)
        credits = experience.get("credits") or [{"id": credited, "reward": experience["reward"]}]
        earned = {credit["id"]: min(max(credit["reward"], 0.0), 1.0) for credit in credits}
        touched = False
        for item in slate:
            if item.get("forced"):
                continue  # A pinned position was nobody's choice.
            outcome = earned.get(item["id"], 0.0)
            arm = self._arms.setdefault(item["id"], list(self._prior))
            arm[0] += outcome
            arm[1] += 1 - outcome
            touched = True
        return touched

    def save(self) -> str:
        return json.dumps({"arms": list(self._arms.items())}, allow_nan=False, ensure_ascii=False)

    def parameters(self) -> dict[str, Any]:
        return {"arms": self._arms, "prior": self._prior}
