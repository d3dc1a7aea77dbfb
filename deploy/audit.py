"""Compare the pinned dependencies with the known vulnerabilities: `make audit`, and part of `make check`.

Fails when one is found. Where the advisory service cannot be reached, or knows nothing of the packages (an offline
machine, a mirror without advisories), it says so and passes: a check must not depend on a network.
"""

import json
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).parent.parent / "constraints.txt"
SECONDS = 90


def main() -> int:
    """0 unless a vulnerability is known."""
    command = [
        "-m",
        "pip_audit",
        "-r",
        str(PINS),
        "--no-deps",
        "--disable-pip",
        "-f",
        "json",
        "--progress-spinner",
        "off",
    ]
    try:
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=SECONDS, check=False)
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("audit: the advisory service could not be reached; nothing was compared")
        return 0
    looked_up = [one for one in found if "vulns" in one]
    bad = [(one, known) for one in looked_up for known in one["vulns"]]
    for one, known in bad:
        fixed = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"audit: {one['name']} {one['version']}: {known['id']}, fixed in {fixed}")
    print(f"audit: {len(looked_up)} of {len(found)} dependencies compared, {len(bad)} known vulnerabilities")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
