"""The checksum of a stored artifact, outside the engine: SHA-256 over canonical JSON (RFC 8785).

Learners that publish through the engine do not need it: there the engine seals what they hand in. It is for tools that read
or write whole artifacts. Run as `python canonical.py ../../docs/artifact-checksums.json` it checks the test vectors.
"""

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any


def canonical(value: Any) -> str:
    """JSON without white space, keys sorted by UTF-16 code units, numbers as ECMAScript writes them."""
    if value is None or isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return number(float(value))
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"


def number(value: float) -> str:
    """A double as ECMAScript's Number::toString does it: the shortest digits that give the same double back."""
    if not math.isfinite(value):
        raise ValueError("an artifact must not hold NaN or infinite numbers")
    if value == 0:
        return "0"  # Also for -0.
    sign = "-" if value < 0 else ""
    # Python's repr finds the same shortest digits; only where the point and the exponent go differs.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def checksum(artifact: dict[str, Any]) -> str:
    """Of everything in the artifact but the checksum itself."""
    unsealed = {key: value for key, value in artifact.items() if key != "checksum"}
    return hashlib.sha256(canonical(unsealed).encode()).hexdigest()


def main() -> None:
    vectors = json.loads(Path(sys.argv[1]).read_text())
    for vector in vectors["values"]:
        found = canonical(vector["value"])
        assert found == vector["canonical"], f"{found} is not {vector['canonical']}"
    for artifact in vectors["artifacts"]:
        assert checksum(artifact) == artifact["checksum"], artifact["policy"]
    print(f"{len(vectors['values'])} values and {len(vectors['artifacts'])} artifacts agree")


if __name__ == "__main__":
    main()
