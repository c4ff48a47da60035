"""A page of the documentation as a script: its commands in order, the files it shows, and the output it promises.

A ```console block has commands after `$ ` and below each what it prints. A ```python block is run, and prints the
```text block that follows; with `file=NAME` it is the content of that file. A ```sh block is for other surroundings
than a test's, and is not run. `...` stands for what changes: within a line for anything, as a line for any lines.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEREDOC = re.compile(r"<<'?(\w+)'?\s*$")
_MARK = "<<< step "
# What bash says by itself about a process that was killed on purpose.
_KILLED = re.compile(r"^\S+: line \d+: +\d+ Killed .*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    command: str
    shown: str


class Page:
    def __init__(self, path, *, section=None, **replaced):
        self.text = Path(path).read_text(encoding="utf-8")
        if section:
            self.text = self.text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for old, new in replaced.items():
            self.text = self.text.replace(old.removeprefix("_"), new)
        self._blocks = [(match[1], match[2].strip(), match[3]) for match in _FENCE.finditer(self.text)]

    def write_files(self, folder):
        for language, said, content in self._blocks:
            if language == "python" and said.startswith("file="):
                path = folder / said.removeprefix("file=")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")

    @property
    def settings(self):
        """What the page starts the platform with."""
        lines = [line for language, _, content in self._blocks if language == "sh" for line in content.splitlines()]
        words = [word for line in lines if line.endswith("make up") for word in line.split()]
        return dict(word.split("=", 1) for word in words if "=" in word)

    @property
    def steps(self):
        found = []
        for language, said, content in self._blocks:
            if language == "console":
                found += _commands(content)
            elif language == "python" and not said:
                found.append(Step(f"python - <<'END_OF_PYTHON'\n{content}END_OF_PYTHON", ""))
            elif language == "text":
                found[-1] = Step(found[-1].command, content)
        return found

    def run(self, folder, environment, seconds=240):
        """Each step with what it printed, all in one shell, so that variables and processes live on."""
        script = "".join(f"{step.command}\necho; echo '{_MARK}'\n" for step in self.steps)
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        output, _ = shell.communicate(timeout=seconds)
        printed = _KILLED.sub("", output.decode().replace("\ufeff", "")).split(f"\n{_MARK}\n")
        return list(zip(self.steps, printed, strict=False)), shell.pid


def _commands(content):
    lines = iter(content.splitlines())
    steps = []
    for line in lines:
        if line.startswith("$ "):
            command = [line.removeprefix("$ ")]
            heredoc = _HEREDOC.search(line)
            while heredoc and command[-1] != heredoc[1]:
                command.append(next(lines))
            steps.append(["\n".join(command), ""])
        else:
            steps[-1][1] += f"{line}\n"
    return [Step(*step) for step in steps]


def fits(shown, printed):
    """Whether the output is what the page shows."""
    lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
    wanted = [line.rstrip() for line in shown.splitlines() if line.strip()]
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r" *\n" for line in wanted
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None
