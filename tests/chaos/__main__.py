"""`python -m tests.chaos`: the long run, its table, and docs/reliability.md's copy of it."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import heading, line, write
from tests.chaos.running import play
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.size import LONG, SHORT
from tests.chaos.stage import Stage


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed: the same jobs, victims and pauses")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated")
    parser.add_argument("--short", action="store_true", help="as few jobs as in the suite")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    wanted = parser.parse_args()
    size = SHORT if wanted.short else LONG
    folder = Path(tempfile.mkdtemp(prefix="reckoner-chaos-"))
    folder.chmod(0o711)  # Postgres may run as somebody else
    verdicts = perform(folder, wanted.scenario or list(SCENARIOS), size, wanted.seed)
    if any(verdict.wrong for verdict in verdicts):
        print(f"\nWhat the processes said is in {folder}")
    else:
        shutil.rmtree(folder)
    if wanted.write:
        write(verdicts, size, wanted.seed)
    sys.exit(any(verdict.wrong for verdict in verdicts))


def perform(folder, names, size, seed):
    """All of them on one platform; after a bad end the next one gets a new platform."""
    print(heading(), flush=True)
    verdicts, stage = [], None
    try:
        for number, name in enumerate(names):
            stage = stage or Stage(folder / f"home{number}", lease=size.lease, durable=size is LONG)
            verdict = play(stage, name, seed=seed, size=size)
            if size is LONG and verdict.seconds_to_recover > SCENARIOS[name].within:
                verdict.wrong.append(f"queued again after {verdict.seconds_to_recover:.1f} s")
            verdicts.append(verdict)
            print(line(verdict), *(f"    {wrong}" for wrong in verdict.wrong[:20]), sep="\n", flush=True)
            if verdict.wrong:
                stage.close()
                stage = None
    finally:
        if stage is not None:
            stage.close()
    return verdicts


if __name__ == "__main__":
    main()
