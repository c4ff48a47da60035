"""Each scenario with few jobs, on one platform as long as that stays whole."""

import pytest

from tests.chaos.running import play
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.size import SHORT
from tests.chaos.stage import Stage

_LONG_RUN_ONLY = {"nothing"}  # nothing to see without a disturbance


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """The stage that the last scenario left whole, or a new one."""
    kept = []

    def take():
        if not kept:
            kept.append(Stage(tmp_path_factory.mktemp("chaos") / "home", lease=SHORT.lease, durable=False))
        return kept[0]

    yield take, kept
    for stage in kept:
        stage.close()


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in _LONG_RUN_ONLY])
def test_nothing_is_lost_doubled_or_stuck(stages, name):
    take, kept = stages
    stage = take()
    verdict = play(stage, name, seed=1, size=SHORT)
    if verdict.wrong:
        kept.remove(stage)
        stage.close()
    assert verdict.wrong == []
