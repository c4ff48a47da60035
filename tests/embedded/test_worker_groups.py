"""Which processes a desk and a deployment start."""

import pytest

from embedded import processes


@pytest.mark.parametrize("started", [processes.LOCAL, processes.DEPLOYED])
def test_each_queue_has_workers_of_its_own_so_that_long_jobs_keep_no_short_one_waiting(started):
    workers = [each.command for each in started if "worker" in each.command]
    assert sorted(command[command.index("-Q") + 1] for command in workers) == ["heavy", "quick"]
