"""The `reckoner` command as people and scripts use it, against a running platform."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from embedded.ports import free_port
from reckoner import Options
from reckoner.cli import COMMANDS
from tests.client.lossy import LossyProxy
from tests.running import ROOT

NOBODY = "00000000-0000-7000-8000-000000000000"
GROUPS = {"submit", "number-set", "queues", "keys", "files", "completion"}


@pytest.fixture
def later(reckoner):
    """Jobs that wait for a time that does not come in this test."""
    made = []

    def make(*tags):
        options = Options(tags=tags, run_at=datetime.now(UTC) + timedelta(hours=1))
        made.append(reckoner.submit("echo", options, words="later"))
        return made[-1]

    yield make
    for job in made:
        job.cancel()


@pytest.fixture
def outside(at_home, platform):  # noqa: ARG001  # asked for by its effect
    """The command as a process of its own, where it replaces itself or its arguments come from a shell."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "reckoner", *arguments],
            env={**os.environ, "RECKONER_URL": platform.url, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_help_is_there_without_loading_what_it_does_not_need():
    script = "import sys\nfrom reckoner.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    script += "print(sorted({'requests', 'rich', 'urllib3'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    assert all(f"  {name} " in ran.stdout for name in COMMANDS)
    assert "4  time is up, the job goes on" in ran.stdout


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in GROUPS])
def test_every_command_explains_itself_and_prints_json(command, name):
    ran = command(name, "--help")
    assert ran.code == 0
    assert "--json" in ran.out


def test_a_kind_the_command_has_never_heard_of_is_a_sub_command(command):
    ran = command("submit", "echo", "--words", "hello there")
    assert (ran.code, json.loads(ran.out)) == (0, {"words": "hello there"})


def test_a_kinds_help_is_made_from_its_schema(command):
    ran = command("submit", "two-sum", "--help")
    assert "--target" in ran.out
    assert "The sum that two of them should make" in ran.out


def test_a_script_gets_the_job_with_its_result(command):
    ran = command("submit", "two_sum", "--nums", "0.1,0.2", "--nums", "5", "--target", "0.3", "--json")
    job = json.loads(ran.out)
    assert job["status"] == "succeeded"
    assert '"numbers": [0.1, 0.2]' in ran.out
    assert ran.err == ""


def test_params_come_from_a_file_with_options_in_their_place(command, tmp_path):
    path = tmp_path / "question.json"
    path.write_text('{"nums": [1, 2, 3], "target": 100}')
    ran = command("submit", "two_sum", "--params", f"@{path}", "--target", "5")
    assert json.loads(ran.out)["indices"] == [1, 2]


def test_a_detached_submit_prints_the_id_and_goes(command):
    job_id = command("submit", "echo", "--words", "x", "--detach").out.strip()
    ran = command("watch", job_id)
    assert (ran.code, json.loads(ran.out)) == (0, {"words": "x"})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("submit", "probe", "--fail", "permanent", "--fail-until-attempt", "9"), 1, "this can never work"),
        (("submit", "echo"), 2, "missing: --words"),
        (("submit", "no_such_kind"), 2, "known kinds: "),
        (("submit", "two_sum", "--nums", "1", "--target", "2"), 2, "params.nums"),
        (("submit", "two_sum", "--nums", "one", "--target", "2"), 2, "'one' is not a number"),
        (("no-such-command",), 2, "No such command"),
        (("jobs", "--since", "yesterday"), 2, "neither an ISO time"),
        (("cancel",), 2, "give job ids"),
        (("show", NOBODY), 6, NOBODY),
        (("--key", "rk_wrong", "jobs"), 6, "RECKONER_API_KEY"),
    ],
)
def test_each_outcome_has_its_exit_code(command, arguments, code, said):
    ran = command(*arguments)
    assert ran.code == code
    assert said in ran.err


def test_a_cancelled_job_ends_with_three_and_the_reason(command, later):
    job = later()
    assert command("cancel", job.id, "--reason", "not needed").code == 0
    ran = command("watch", job.id)
    assert ran.code == 3
    assert "not needed" in ran.err


def test_a_timeout_ends_with_four_and_leaves_the_job(command, later):
    job = later()
    assert command("watch", job.id, "--timeout", "0.2").code == 4
    assert json.loads(command("show", job.id, "--json").out)["status"] == "scheduled"


def test_a_platform_that_is_away_ends_with_five_and_the_way_out(type_in):
    url = f"http://127.0.0.1:{free_port()}"
    for arguments in (("jobs",), ("submit", "echo", "--words", "x"), ("doctor",)):
        ran = type_in(*arguments, url=url)
        assert ran.code == 5
        assert "reckoner up" in ran.err + ran.out


def test_help_of_submit_works_while_the_platform_is_away(type_in):
    ran = type_in("submit", "--help", url=f"http://127.0.0.1:{free_port()}")
    assert ran.code == 0
    assert "nothing listens there" in ran.out.replace("\n", " ").replace("  ", "")


def test_errors_are_json_for_scripts(command):
    facts = json.loads(command("show", NOBODY, "--json").err)
    assert (facts["status"], facts["code"], facts["exit_code"]) == (404, "not_found", 6)
    assert facts["request_id"]


def test_jobs_are_listed_by_what_they_are(command, later):
    job = later("cli-list", "month-end")
    lines = command("jobs", "--tag", "cli-list", "--status", "scheduled", "--since", "1h").out.splitlines()
    assert len(lines) == 2
    assert job.id in lines[1]
    assert json.loads(command("jobs", "--tag", "cli-list", "--json").out)["id"] == job.id
    assert "no jobs match" in command("jobs", "--tag", "cli-list", "--until", "1h").out


def test_show_tells_why_a_job_is_not_running(command, later):
    assert "its time has not come yet" in command("show", later().id).out


def test_what_a_tag_holds_does_not_drive_the_terminal(command, later):
    later("cli-\u009b31mred[bold]")
    out = command("jobs", "--all").out
    assert "cli-�31mred[bold]" in out


def test_all_that_match_are_cancelled_only_when_that_was_said(command, later):
    jobs = [later("cli-bulk") for _ in range(3)]
    assert command("cancel", "--tag", "cli-bulk", "--dry-run").out == "3 jobs match\n"
    asked = command("cancel", "--tag", "cli-bulk")
    assert asked.code == 2
    assert "--yes" in asked.err
    answer = json.loads(command("cancel", "--tag", "cli-bulk", "--yes", "--reason", "enough", "--json").out)
    assert sorted(answer["job_ids"]) == sorted(job.id for job in jobs)
    assert {job.refresh().cancel_reason for job in jobs} == {"enough"}


def test_the_audit_log_says_who_did_what(command, reckoner):
    made = reckoner.create_key("for the log", owner="etl")
    reckoner.revoke_key(made.id)
    ran = command("audit", "--target", made.id, "--json")
    assert [entry["action"] for entry in json.loads(ran.out)] == ["key.revoked", "key.made"]
    assert "key.made" in command("audit", "--action", "key.made", "--after", "1h", "-n", "1").out
    assert "nothing that fits" in command("audit", "--actor", "nobody").out
    assert [entry.action for entry in reckoner.audit(target=made.id, limit=1)] == ["key.revoked"]


def test_a_job_runs_again_with_other_params(command):
    first = json.loads(command("submit", "echo", "--words", "one", "--json").out)
    ran = command("retry", first["id"], "--params", '{"words": "two"}', "--wait", "--json")
    again = json.loads(ran.out)
    assert (again["origin_id"], again["result"]) == (first["id"], {"words": "two"})


def test_all_that_ended_and_match_run_again(command, reckoner):
    first = reckoner.submit("echo", Options(tags=("cli-again",)), words="x").wait(30)
    answer = json.loads(command("retry", "--tag", "cli-again", "--yes", "--json").out)
    assert [reckoner.job(job_id).origin_id for job_id in answer["job_ids"]] == [first.id]


def test_result_events_and_logs_of_a_job(command, tmp_path):
    job = json.loads(command("submit", "probe", "--label", "seen", "--json").out)
    path = tmp_path / "result.json"
    assert command("result", job["id"], "--out", path).code == 0
    assert json.loads(path.read_text())["label"] == "seen"
    events = json.loads(command("events", job["id"], "--json").out)
    assert [event["event"] for event in events] == ["submitted", "claimed", "succeeded"]
    followed = command("events", job["id"], "--follow")
    assert followed.code == 0
    assert followed.out.count("\n") == 3
    assert "probing" in command("logs", job["id"]).out
    assert json.loads(command("logs", job["id"], "--json").out.splitlines()[0])["event"] == "probing"


def test_a_result_that_is_not_there_yet_is_refused(command, later):
    assert command("result", later().id).code == 6


def test_queues_are_paused_and_resumed(command):
    try:
        paused = json.loads(command("queues", "pause", "heavy", "--reason", "month end", "--json").out)
        assert next(queue for queue in paused["queues"] if queue["queue"] == "heavy")["pause_reason"] == "month end"
        assert "month end" in command("queues").out
    finally:
        resumed = json.loads(command("queues", "resume", "heavy", "--json").out)
    assert not any(queue["paused"] for queue in resumed["queues"])


def test_workers_kinds_and_top_show_what_is_there(command):
    assert "quick" in command("workers").out
    assert "Two-sum scan" in command("kinds").out
    assert "target" in command("kinds", "two-sum").out
    assert "heavy" in command("top").out
    assert {"queues", "jobs"} == set(json.loads(command("top", "--json").out))


def test_keys_are_made_through_the_platform(command, reckoner):
    made = json.loads(command("keys", "create", "nightly load", "--owner", "etl", "--json").out)
    assert made["key"].startswith("rk_")
    assert made["id"] in command("keys", "list").out
    assert command("keys", "revoke", made["id"]).code == 0
    assert command("keys", "revoke", made["id"]).code == 6
    assert reckoner.keys()


def test_the_first_key_is_made_beside_the_database(outside, platform, command):
    database = {"DATABASE_URL": platform.environment["DATABASE_URL"]}
    ran = outside("keys", "create", "first", "--owner", "boss", "--role", "admin", "--local", **database)
    assert ran.returncode == 0, ran.stderr
    assert command("--key", ran.stdout.strip(), "keys", "list").code == 0
    listed = json.loads(outside("keys", "list", "--local", "--json", **database).stdout)
    key_id = next(key["id"] for key in listed if key["name"] == "first")
    assert outside("keys", "revoke", key_id, "--local", **database).returncode == 0
    assert outside("keys", "revoke", key_id, "--local", **database).returncode == 1


def test_a_key_is_made_beside_the_database_when_nothing_answers(outside, platform):
    nothing_here = {"RECKONER_URL": "", "PORT": str(free_port()), "RECKONER_HOME": str(platform.home)}
    database = {"DATABASE_URL": platform.environment["DATABASE_URL"]}
    ran = outside("keys", "create", "found", "--owner", "boss", **nothing_here, **database)
    assert ran.stdout.startswith("rk_"), ran.stderr


def test_migrate_says_where_the_database_stands(outside, platform):
    ran = outside("migrate", DATABASE_URL=platform.environment["DATABASE_URL"])
    assert ran.stdout.startswith("schema: 0"), ran.stderr


def test_migrate_without_a_database_says_what_to_set(outside, tmp_path):
    ran = outside("migrate", DATABASE_URL="", RECKONER_HOME=str(tmp_path))
    assert ran.returncode != 0
    assert "DATABASE_URL" in ran.stderr


def test_an_owner_nobody_can_have_is_refused_beside_the_database_too(outside, platform):
    database = {"DATABASE_URL": platform.environment["DATABASE_URL"]}
    ran = outside("keys", "create", "x", "--owner", "a/b", "--local", **database)
    assert ran.returncode == 2
    assert "an owner is" in ran.stderr


def _complete(outside, line, **environment):
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    return outside(_RECKONER_COMPLETE="bash_complete", **words, **environment).stdout


def test_the_shell_completes_commands_kinds_params_and_jobs(outside, later):
    job = later()
    assert "plain,submit" in _complete(outside, "reckoner sub")
    assert "plain,echo" in _complete(outside, "reckoner submit ec")
    assert "plain,--words" in _complete(outside, "reckoner submit echo --w")
    assert job.id in _complete(outside, f"reckoner show {job.id[:8]}")
    assert "plain,heavy" in _complete(outside, "reckoner queues pause he")


def test_the_shell_completes_kinds_from_memory_while_the_platform_is_away(outside, type_in, platform):
    address = urlsplit(platform.url)
    proxy = LossyProxy((address.hostname, address.port), {})
    try:
        assert type_in("kinds", url=proxy.url).code == 0
    finally:
        proxy.close()
    assert "plain,echo" in _complete(outside, "reckoner submit ec", RECKONER_URL=proxy.url)
    assert _complete(outside, "reckoner show 0", RECKONER_URL=proxy.url).strip() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(command, shell):
    assert "_RECKONER_COMPLETE" in command("completion", shell).out


def test_doctor_finds_what_is_wrong_and_says_so_with_its_exit_code(command):
    ran = command("doctor", "--json")
    found = {finding["check"]: finding["severity"] for finding in json.loads(ran.out)["findings"]}
    assert found["reachable"] == found["migrations"] == found["queue_heavy"] == found["client_clock"] == "ok"
    assert ran.code == (1 if "error" in found.values() else 0)
    assert "migrations" in command("doctor").out


def test_doctor_needs_an_operators_key(command, reckoner):
    made = reckoner.create_key("no doctor", owner="ann", role="submitter")
    ran = command("--key", made.key, "doctor")
    assert ran.code == 6
    assert "operator" in ran.out
    reckoner.revoke_key(made.id)
