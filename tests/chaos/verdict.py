"""What Postgres says afterwards, held against what clients were told."""

from dataclasses import dataclass, field

_JOBS = """
SELECT id::text, status, attempt, crashes, handed_back, error->>'code' AS code, params->>'label' AS label, kind,
       (SELECT count(*) FROM probe_effects e WHERE e.job_id = jobs.id) AS effects,
       (SELECT count(*) FROM job_events e WHERE e.job_id = jobs.id
         AND e.event IN ('succeeded', 'failed', 'cancelled')) AS ends,
       result->>'found' AS found, result->>'pairs' AS pairs,
       (SELECT array_agg(name ORDER BY name) FROM artifacts a WHERE a.job_id = jobs.id) AS files
FROM jobs WHERE tags @> ARRAY[:run] OR parent_id IN (SELECT id FROM jobs WHERE tags @> ARRAY[:run])
    OR (schedule IS NOT NULL AND created_at BETWEEN :began AND :ended)
"""
_PAIRS = ["pairs.csv", "pairs.parquet", "working-paper.xlsx"]
_EVENTS = """
SELECT e.job_id::text, jobs.kind, e.event, e.detail->>'code' AS code, e.attempt,
       (SELECT c.actor FROM job_events c WHERE c.job_id = e.job_id AND c.event = 'claimed' AND c.attempt = e.attempt
        ) AS worker
FROM job_events e JOIN jobs ON jobs.id = e.job_id WHERE jobs.tags @> ARRAY[:run] ORDER BY e.at
"""
_FELT = """
SELECT count(*) FROM job_events e JOIN jobs ON jobs.id = e.job_id
WHERE jobs.tags @> ARRAY[:run] AND e.event IN ('retrying', 'failed') AND e.detail->>'code' = :code
"""
_GAPS = """
SELECT due_at FROM (SELECT due_at, due_at - lag(due_at) OVER (ORDER BY due_at) AS step FROM schedule_runs
 WHERE trigger = 'beat') steps WHERE step <> interval '1 second' AND due_at BETWEEN :began AND :ended
"""
_ODD_RUNS = """
SELECT r.due_at FROM schedule_runs r LEFT JOIN jobs ON jobs.id = r.job_id
 WHERE r.due_at BETWEEN :began AND :ended AND r.outcome IN ('ran', 'late')
 AND (jobs.id IS NULL OR (SELECT count(*) FROM schedule_runs o WHERE o.job_id = r.job_id) <> 1)
"""
_VICTIMS = """
WITH mine AS (SELECT id, coalesce(parent_id, id) AS asked, params->>'label' AS label FROM jobs
               WHERE tags @> ARRAY[:run] OR parent_id IN (SELECT id FROM jobs WHERE tags @> ARRAY[:run])),
     gone AS (SELECT job_id, max(seq) AS seq, bool_or(event = 'crashed') AS has_crashed FROM job_events
               WHERE event IN ('crashed', 'retrying') GROUP BY job_id)
SELECT mine.asked::text, mine.label, gone.has_crashed,
       min(at) FILTER (WHERE event = 'queued') AS queued_at, min(at) FILTER (WHERE event = 'claimed') AS claimed_at,
       max(at) FILTER (WHERE event IN ('succeeded', 'failed')) AS ended_at
FROM mine JOIN gone ON gone.job_id = mine.id JOIN job_events e ON e.job_id = mine.id AND e.seq > gone.seq
GROUP BY mine.id, mine.asked, mine.label, gone.has_crashed
"""
_GOES_ON = """
SELECT min(at) FROM job_events WHERE event = 'claimed' AND at > :since
   AND job_id IN (SELECT id FROM jobs WHERE tags @> ARRAY[:run])
"""


@dataclass
class Verdict:
    """One row of the table, and everything that is wrong, in words."""

    scenario: str
    jobs: int = 0
    repeats: int = 0
    lost: int = 0
    stuck: int = 0
    doubled: int = 0
    crashes: int = 0
    seconds_to_recover: float = 0
    seconds_until_done: float | None = None  # None: nobody was hit
    memory_before: float = 0
    memory_after: float = 0
    wrong: list[str] = field(default_factory=list)

    def judge(self, stage, scenario, wanted, *, run, began, ended):
        """Fill the row in."""
        span = {"began": began, "ended": ended}
        jobs = stage.look(_JOBS, run=run, **span)
        by_id = {job.id: job for job in jobs}
        self.jobs = len(jobs)
        self.repeats = sum(order.repeats for order in wanted)
        self.crashes = sum(job.crashes for job in jobs)
        self._orders(wanted, jobs, by_id)
        for job in jobs:
            self._ending(job, scenario)
        self._schedules(stage, span)
        self._attempts(stage.look(_EVENTS, run=run), scenario)
        if scenario.fails_with and not stage.look(_FELT, run=run, code=scenario.fails_with)[0][0]:
            self.wrong.append("nobody noticed the disturbance")
        for order in wanted:
            if order.is_long:
                self._long(order, by_id, scenario)
        return self

    def count_recovery(self, stage, run, since, blows):
        """Until each victim waits in its queue again, and until it is done; a long one, until it is begun again."""
        queued, done = [(stage.look(_GOES_ON, run=run, since=since)[0][0] or since) - since], []
        for victim in stage.look(_VICTIMS, run=run):
            blow = blows.get(victim.asked, since)
            if victim.has_crashed and victim.queued_at:
                queued.append(victim.queued_at - blow)
            end = victim.claimed_at if "-long-" in (victim.label or "") else victim.ended_at
            if end:
                done.append(end - blow)
        self.seconds_to_recover = max(queued).total_seconds()
        if done:
            self.seconds_until_done = max(0.0, max(done).total_seconds())

    def _orders(self, wanted, jobs, by_id):
        made = {}
        for job in jobs:
            made.setdefault(job.label, []).append(job)
        for order in wanted:
            self.wrong += [f"{order.label}: {surprise}" for surprise in order.surprises]
            missing = order.ids - set(by_id)
            if missing or not order.ids:
                self.lost += 1
                self.wrong.append(f"{order.label}: acknowledged as {sorted(order.ids)}, not there: {sorted(missing)}")
            if len(order.ids) > 1 or (order.kind == "probe" and len(made.get(order.label, ())) != 1):
                self.doubled += 1
                self.wrong.append(f"{order.label}: repeated submits made {sorted(order.ids)}")

    def _ending(self, job, scenario):
        if job.status not in {"succeeded", "failed", "cancelled"}:
            self.stuck += 1
            self.wrong.append(f"{job.id} is still {job.status}, attempt {job.attempt}")
            return
        if job.ends != 1:
            self.doubled += 1
            self.wrong.append(f"{job.id} ended {job.ends} times")
        has_failed = job.status == "failed" and scenario.fails_with and job.code == scenario.fails_with
        if job.status != "succeeded" and not has_failed:
            self.lost += 1
            self.wrong.append(f"{job.id} ended as {job.status}: {job.code}")
        if job.kind == "two_sum" and not has_failed:
            self._scan(job)
        most = 0 if has_failed or job.kind != "probe" else 1
        if job.effects > most:
            self.doubled += 1
            self.wrong.append(f"{job.id} took effect {job.effects} times")
        is_expected = job.kind == "probe" and not has_failed and "-long-" not in (job.label or "")
        if is_expected and job.status == "succeeded" and job.effects == 0:
            self.lost += 1
            self.wrong.append(f"{job.id} succeeded without its effect")

    def _scan(self, job):
        """Its answer, and a workbook's pairs as files: each there once."""
        if job.found != "true":
            self.wrong.append(f"{job.id} answered found={job.found}")
        if job.pairs is not None and (job.pairs, job.files) != ("500", _PAIRS):
            self.doubled += len(job.files or []) > len(_PAIRS)
            self.wrong.append(f"{job.id} found {job.pairs} pairs and made {job.files}")

    def _schedules(self, stage, span):
        for row in stage.look(_GAPS, **span):
            self.lost += 1
            self.wrong.append(f"no row for a due time before {row.due_at}")
        for row in stage.look(_ODD_RUNS, **span):
            self.doubled += 1
            self.wrong.append(f"the run due {row.due_at} has no job of its own")

    def _attempts(self, events, scenario):
        """Nobody but a victim loses an attempt."""
        allowed = {f"worker {name}" for name in scenario.crashes_in}
        for event in events:
            is_wrong = (
                (event.event == "crashed" and event.worker not in allowed)
                or (event.event == "handed_back" and not scenario.hands_back)
                or (event.event == "retrying" and not (scenario.interrupts or scenario.fails_with))
            )
            if is_wrong:
                where = f"in attempt {event.attempt} on {event.worker}"
                self.wrong.append(f"{event.kind} {event.job_id} {event.event} ({event.code}) {where}")

    def _long(self, order, by_id, scenario):
        """A long job whose worker is healthy runs once, whatever else breaks."""
        for job in (by_id[known] for known in order.ids if known in by_id):
            runs = job.attempt - (job.handed_back if scenario.hands_back else 0)
            runs -= job.crashes if scenario.crashes_in else 0
            if runs != 1:
                self.wrong.append(f"{order.label} took {job.attempt} attempts, {job.crashes} crashes")
