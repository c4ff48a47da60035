"""Random orders of moves by several workers against a plain model: no forbidden move, no lost or doubled effect."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from core.clock import now, uuid7
from models.job import FINAL, NEXT, Job, JobEvent, JobStatus
from tasks.contract import RetryPolicy
from tasks.lifecycle import find
from tasks.submission import Submission, checked_params, submit
from workers.housekeeping.rescue import Rescue

POISON = 3  # crashes
OVER = {"succeeded", "failed", "cancelled"}
FAILURE = {"code": "internal", "message": "a test says so"}


@dataclass
class Known:
    """What a job must be, by rules written a second time and without SQL."""

    status: str = "queued"
    attempt: int = 0
    crashes: int = 0
    handed_back: int = 0
    is_due: bool = False
    cancel_requested: bool = False
    effects: int = 0


# Which job or claim is meant: a place in a list that is as long as it happens to be. Who wins a race is not drawn, so
# what there is to choose from must not be either.
JOB = CLAIM = st.integers(0, 999)


def on_a_job(rule_body):
    @wraps(rule_body)
    def found(self, job_id, **drawn):
        if self.known:
            rule_body(self, job_id=list(self.known)[job_id % len(self.known)], **drawn)

    return found


def on_a_claim(rule_body):
    @wraps(rule_body)
    def found(self, job, **drawn):
        if self.held:
            rule_body(self, job=self.held[-1 - job % len(self.held)], **drawn)

    return found


class Moves(RuleBasedStateMachine):
    """Workers hold what their claims gave them, however stale it is by now."""

    runtime = None

    def __init__(self):
        super().__init__()
        self.lifecycle, self.db = self.runtime.lifecycle, self.runtime.db
        # An hour until a retry: what is due is decided by `time_passes`, not by how long the test takes.
        self.kind = replace(self.runtime.registry["probe"], retry=RetryPolicy(3, timedelta(hours=1), 1.0))
        self.workers = [uuid7() for _ in range(3)]
        self.known = {}
        self.held = []

    def is_current(self, job):
        known = self.known[job.id]
        return known.status == "running" and known.attempt == job.attempt

    def moved(self, answer, job, status, **facts):
        """A move happens exactly when the holder's attempt is the one that runs."""
        is_expected = self.is_current(job)
        assert (answer is not None) == is_expected
        if is_expected:
            assert answer.status == status
            self.known[job.id] = replace(self.known[job.id], status=status, **facts)

    @rule(later=st.booleans())
    def submits(self, later):
        run_at = now() + timedelta(hours=1) if later else None
        wanted = Submission(self.kind, checked_params(self.kind, {}), "me", run_at=run_at)
        with self.db.connect() as connection:
            job = submit(connection, wanted, published=True).job
        self.known[job.id] = Known(status="scheduled" if later else "queued")

    def claim(self, job_id, worker):
        return self.lifecycle.claim(job_id, worker_id=self.workers[worker], pid=1, actor=f"worker {worker}")

    def has_claimed(self, job):
        known = self.known[job.id]
        assert known.status == "queued"
        assert job.attempt == known.attempt + 1
        self.known[job.id] = replace(known, status="running", attempt=job.attempt, is_due=False)
        self.held.append(job)

    @rule(job_id=JOB, worker=st.integers(0, 2))
    @on_a_job
    def claims(self, job_id, worker):
        could = self.known[job_id].status == "queued"
        job = self.claim(job_id, worker)
        assert (job is not None) == could
        if job:
            self.has_claimed(job)

    @rule(job_id=JOB)
    @on_a_job
    def all_claim_at_once(self, job_id):
        could = self.known[job_id].status == "queued"
        with ThreadPoolExecutor(3) as pool:
            won = [job for job in pool.map(lambda worker: self.claim(job_id, worker), range(3)) if job]
        assert len(won) == could
        if won:
            self.has_claimed(won[0])

    @rule(job=CLAIM, with_effect=st.booleans())
    @on_a_claim
    def succeeds(self, job, with_effect):
        answer, effects = self.succeed(job) if with_effect else (self._succeed(job), 0)
        self.moved(answer, job, "succeeded", effects=effects)

    def _succeed(self, job, connection=None):
        return self.lifecycle.succeed(job, self.kind, {}, None, actor="test", connection=connection)

    def succeed(self, job):
        """As tasks.base does it: effect and move commit together, or neither does."""
        with self.db.transaction() as connection:
            facts = {"id": job.id, "attempt": job.attempt}
            connection.execute(text("INSERT INTO probe_effects VALUES (:id, :attempt, now())"), facts)
            answer = self._succeed(job, connection)
            if answer is None:
                connection.rollback()
        if answer is not None:
            self.lifecycle.show(answer)
        return answer, int(answer is not None)

    @rule(job=CLAIM)
    @on_a_claim
    def fails(self, job):
        self.moved(self.lifecycle.fail(job, self.kind, FAILURE, actor="test"), job, "failed")

    @rule(job=CLAIM)
    @on_a_claim
    def fails_but_may_retry(self, job):
        known = self.known[job.id]
        failures = job.attempt - known.handed_back - known.crashes
        answer = self.lifecycle.fail_or_retry(job, self.kind, FAILURE, retryable=True, actor="test")
        self.moved(answer, job, "retrying" if failures < 3 else "failed", is_due=False)

    @rule(job=CLAIM)
    @on_a_claim
    def hands_back(self, job):
        count = self.known[job.id].handed_back + 1
        answer = self.lifecycle.hand_back(job.id, job.attempt, actor="test")
        self.moved(answer, job, "queued", handed_back=count)

    @rule(job=CLAIM)
    @on_a_claim
    def obeys(self, job):
        self.moved(self.lifecycle.stopped(job, self.kind, actor="test"), job, "cancelled")

    def after_a_crash(self, known):
        if known.cancel_requested:
            return replace(known, status="cancelled")
        crashes = known.crashes + 1
        status = "failed" if crashes >= POISON else "retrying"
        return replace(known, status=status, crashes=crashes, is_due=status == "retrying")

    @rule(job_id=JOB)
    @on_a_job
    def lease_runs_out(self, job_id):
        """The worker is gone; whoever does the duty finds it."""
        with self.db.connect() as connection:
            connection.execute(update(Job).where(Job.id == job_id, Job.status == "running").values(lease_until=now()))
        rescue = Rescue(self.runtime)
        rescue._watching_since = float("-inf")
        with self.db.transaction() as connection:
            rescue.run(connection)
        if self.known[job_id].status == "running":
            self.known[job_id] = self.after_a_crash(self.known[job_id])

    @rule(job_id=JOB)
    @on_a_job
    def is_cancelled(self, job_id):
        known = self.known[job_id]
        answer = self.lifecycle.cancel(job_id, self.kind, reason="why not", actor="me")
        assert (answer is None) == (known.status in OVER)
        if known.status == "running":
            self.known[job_id] = replace(known, cancel_requested=True)
        elif known.status not in OVER:
            self.known[job_id] = replace(known, status="cancelled")

    @rule()
    def time_passes(self):
        with self.db.connect() as connection:
            mine = Job.id.in_(list(self.known))
            connection.execute(update(Job).where(mine, Job.run_at.is_not(None)).values(run_at=now()))
        for job_id, known in self.known.items():
            if known.status in {"scheduled", "retrying"}:
                self.known[job_id] = replace(known, is_due=True)

    @rule()
    def queues_what_is_due(self):
        with self.db.transaction() as connection:
            moved = self.lifecycle.queue_due(connection)
        self.lifecycle.show(*moved)
        due = {job_id for job_id, known in self.known.items() if known.is_due}
        assert {job.id for job in moved} & set(self.known) == due  # others are of earlier runs
        for job_id in due:
            self.known[job_id] = replace(self.known[job_id], status="queued", is_due=False)

    @rule(job=CLAIM)
    @on_a_claim
    def everybody_wants_it_over_at_once(self, job):
        """Its body finishes, a client cancels, rescue and drain take it away, all in the same moment."""
        could = self.is_current(job)
        moves = [
            lambda: self.succeed(job)[0],
            lambda: self.lifecycle.stopped(job, self.kind, actor="test"),
            lambda: self.lifecycle.crashed(job, self.kind, "gone", actor="test"),
            lambda: self.lifecycle.hand_back(job.id, job.attempt, actor="test"),
            lambda: self.lifecycle.fail(job, self.kind, FAILURE, actor="test"),
        ]
        with ThreadPoolExecutor(3) as pool:  # as many as the pool has connections to spare
            won = [answer for answer in pool.map(lambda move: move(), moves) if answer]
        assert len(won) == could
        if won:
            self.known[job.id] = replace(
                self.known[job.id],
                status=won[0].status,
                crashes=won[0].crashes,
                handed_back=won[0].handed_back,
                is_due=won[0].status == "retrying",
                effects=int(won[0].status == "succeeded"),
            )

    @invariant()
    def rows_are_what_the_model_says(self):
        with self.db.connect() as connection:
            for job_id, known in self.known.items():
                row = find(connection, job_id)
                facts = (row.status, row.attempt, row.crashes, row.handed_back, row.cancel_requested_at is not None)
                assert facts[:4] == (known.status, known.attempt, known.crashes, known.handed_back)
                assert (row.finished_at is not None) == (JobStatus(row.status) in FINAL)
                assert (row.lease_until is not None) == (row.status == "running")

    @invariant()
    def effects_are_there_once_and_only_with_success(self):
        count = text("SELECT count(*) FROM probe_effects WHERE job_id = :id").bindparams(
            bindparam("id", type_=PG_UUID())
        )
        with self.db.connect() as connection:
            for job_id, known in self.known.items():
                assert connection.execute(count, {"id": job_id}).scalar() == known.effects

    @invariant()
    def the_timeline_is_whole_and_each_step_allowed(self):
        with self.db.connect() as connection:
            for job_id, known in self.known.items():
                events = connection.execute(
                    select(JobEvent.seq, JobEvent.event, JobEvent.status)
                    .where(JobEvent.job_id == job_id)
                    .order_by(JobEvent.seq)
                ).all()
                assert [event.seq for event in events] == list(range(1, len(events) + 1))
                assert events[-1].status == known.status
                for before, after in itertools.pairwise(events):
                    stays = after.event == "cancel_requested" and after.status == before.status == "running"
                    assert stays or JobStatus(after.status) in NEXT[JobStatus(before.status)]

    @invariant()
    def the_board_shows_the_newest_state(self):
        for job_id, known in self.known.items():
            shown = self.runtime.board.read(job_id)
            # A submit is shown by the publisher, which is not here.
            assert shown is None or shown.status == known.status


@pytest.mark.timeout(300)
def test_no_order_of_moves_is_forbidden_lost_or_doubled(runtime):
    machine = type("MovesHere", (Moves,), {"runtime": runtime})
    careful = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=careful)
