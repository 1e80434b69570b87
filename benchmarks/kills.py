"""SIGKILL at random moments: runs of `luthier tune` whose coordinator and workers are killed, and gone on with until they end.

Each run is killed several times: before its journal begins, while it trains, while it scores the test rows and writes what it
came to. A command that was killed is followed by `luthier resume` or by the same `luthier tune`. At the end nothing may be
missing: what a journal said before a kill it says ever after, the model and the report are there, no process is left over, and
with one worker the decisions (`luthier export --format decisions`) are those of a run that nobody disturbed.

    python benchmarks/kills.py                      # 200 kills, most of half an hour on two busy cores
    python benchmarks/kills.py --kills 10

A stage's workers are killed twice at most: the third loss is the trial's failure, as it should be. Linux only. The last line of
what is printed is JSON; the status is 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_KILLS = 24
"""Of one run."""
ROWS, TRIALS, SEED = 160, 4, 3
MOST_LOSSES = 2
GONE_SECONDS, PATIENCE = 60.0, 240.0
"""A process that loads libraries ends when it has loaded them; a command ends, on a busy machine too."""
CLOSING_KILLS = 3
"""Of each run, the last ones may come while it closes: nothing is left to be killed after that."""
OPTIONS = ["--trials", str(TRIALS), "--threads", "1", "--precision", "fp32", "--seed", str(SEED), "--device", "cpu",
           "--search", "learning_rate=1e-4..1e-2:log", "--search", "frozen_layers=0,1", "--set", "epochs=4",
           "--set", "batch_size=4", "--set", "max_length=24", "--set", "warmup_steps=5"]


@dataclass(frozen=True)
class Kill:
    """Who was killed, at which moment, after which event of the journal, by which command."""

    victim: str
    moment: str
    after: str
    command: str


@dataclass
class Run:
    """What became of one run: its kills, what went wrong, and its decisions."""

    kills: list[Kill] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    commands: int = 0
    decisions: str = ""


def make_data(file: Path) -> None:
    """Write a few rows of two labels that can be told apart."""
    chance = random.Random(0)
    words = {"good": ["fine", "great", "lovely", "works", "again"], "bad": ["broken", "poor", "never", "refund", "awful"]}
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("text", "label"))
        for number in range(ROWS):
            label = ("good", "bad")[number % 2]
            said = [chance.choice(words[label if chance.random() < 0.8 else "bad"]) for _ in range(chance.randint(4, 12))]
            writer.writerow((f"{' '.join(said)} number {number}", label))


def make_model(folder: Path, texts: Path) -> None:
    """Write a random RoBERTa of two small blocks, with a tokenizer trained on the texts."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    from luthier.models.classifier import quiet

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train([str(texts)], trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", pad_token="<pad>", eos_token="</s>",
                            sep_token="</s>", unk_token="<unk>", model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    with quiet():
        RobertaModel(RobertaConfig(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=66, type_vocab_size=1, initializer_range=0.2, pad_token_id=1, bos_token_id=0,
            eos_token_id=2)).save_pretrained(folder)


def luthier(*words: object) -> list[str]:
    """The command line of a command of luthier."""
    return [sys.executable, "-m", "luthier", *map(str, words)]


def tune_words(data: Path, model: Path, output: Path, workers: int) -> list[str]:
    """The command that is killed."""
    return luthier("tune", data, "--model", model, "--workers", workers, "--output", output, *OPTIONS)


def processes(session: int) -> dict[int, int]:
    """The processes of a session that are alive, with their parents."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in ("Z", "X"):
                found[int(entry.name)] = int(fields[1])
    return found


def said(process: int) -> str:
    """The command line of a process, and its state."""
    with suppress(OSError):
        folder = Path("/proc") / str(process)
        state = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return f"{process} ({state}) {(folder / 'cmdline').read_text(encoding='utf-8').replace(chr(0), ' ')[:120]}"
    return f"{process}, gone by now"


def workers_of(coordinator: int) -> list[int]:
    """The worker processes of a command: its children's children."""
    parents = processes(coordinator)
    return sorted(process for process, parent in parents.items() if parents.get(parent) == coordinator)


def events_of(journal: Path) -> list[dict[str, Any]]:
    """The events that a journal holds whole."""
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    return [json.loads(line) for line in lines]


def losses(events: Sequence[dict[str, Any]]) -> int:
    """The most workers that a stage which has no result yet has lost."""
    found: Counter[int] = Counter()
    for event in events:
        if event["event"] == "lost":
            found[event["trial"]] += 1
        elif event["event"] == "result":
            found[event["trial"]] = 0
    return max(found.values(), default=0)


def is_finished(events: Sequence[dict[str, Any]]) -> bool:
    """Whether a journal tells of the end."""
    return bool(events) and events[-1]["event"] == "done"


class Killer:
    """Runs one command line until it has ended, in spite of so many kills."""

    def __init__(self, tune: list[str], output: Path, chance: random.Random, kills: int, startup: float) -> None:
        self.tune, self.output, self.chance, self.kills, self.startup = tune, output, chance, kills, startup
        self.journal, self.log = output / "journal.jsonl", output.with_suffix(".log")
        self.run = Run()

    def until_it_ends(self) -> Run:
        """Start, kill and go on, until the run is finished or something is wrong."""
        before = b""
        while not self.run.troubles:
            words = self.tune if not (self.output / "run.toml").exists() or self.chance.random() < 0.5 else luthier(
                "resume", self.output)
            self.run.commands += 1
            with self.log.open("ab") as log:
                process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            killed = self._disturb(process, words[3])
            status = self._wait(process)
            self._check(process.pid, before)
            if not killed:
                if status:
                    self.run.troubles.append(f"{words[3]} ended with status {status}: {self._last_words()}")
                break
            before = self._whole_lines()
            if is_finished(events_of(self.journal)):  # killed after the last event: there is nothing to go on with
                refused = subprocess.run(luthier("resume", self.output), capture_output=True, text=True, check=False)
                if refused.returncode != 2 or "this run is finished" not in refused.stderr:
                    self.run.troubles.append(f"a finished run is not refused: {refused.stderr[-500:]}")
                break
        self._check_end()
        return self.run

    def _disturb(self, process: subprocess.Popen[bytes], command: str) -> bool:
        """Kill workers and, in the end, the coordinator; whether it came to that."""
        fresh, struck, began = True, 0, len(events_of(self.journal))
        while len(self.run.kills) < self.kills:
            moment, fresh = self._await_moment(process, fresh), False
            if process.poll() is not None:
                return False
            events, found = events_of(self.journal), workers_of(process.pid)
            unheard = struck - sum(event["event"] == "lost" for event in events[began:])
            mortal = found and losses(events) + max(0, unheard) < MOST_LOSSES
            mortal = mortal and (len(self.run.kills) < self.kills - 1 or self.run.commands > 1)  # each run is gone on with
            kind = self.chance.choices(["worker", "coordinator"], [4, 1])[0] if mortal else "coordinator"
            victim = self.chance.choice(found) if kind == "worker" else process.pid
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                self.run.kills.append(Kill(kind, moment, events[-1]["event"] if events else "nothing", command))
            if kind == "coordinator":
                return True
            struck += 1
        return False

    def _await_moment(self, process: subprocess.Popen[bytes], fresh: bool) -> str:
        """Wait for a random moment; what kind of moment it is. Ends sooner where the process does.

        Args:
            fresh: whether the process has just been started, so that it may be killed before it begins.
        """
        closing = self.kills - len(self.run.kills) <= CLOSING_KILLS
        moment = self.chance.choices(["early", "middle", "late"], [1 if fresh else 0, 3, 2 if closing else 0])[0]
        began, seen = time.monotonic(), len(events_of(self.journal))
        wanted, delay, soon = seen + self.chance.randint(1, 2), self.chance.uniform(0, 0.5), self.chance.uniform(0, 0.2)
        early = self.chance.uniform(0, self.startup)
        while process.poll() is None and time.monotonic() - began < PATIENCE:
            if moment == "early":
                if time.monotonic() - began >= early:
                    break
            else:
                events = events_of(self.journal)
                closing = any(event["event"] in ("chosen", "tested") for event in events[seen:])
                if (len(events) >= wanted and moment == "middle") or closing:
                    time.sleep(soon if closing else delay)  # it closes fast
                    break
            time.sleep(0.01)
        return moment

    def _wait(self, process: subprocess.Popen[bytes]) -> int | None:
        """The status of a process that has been killed, or will end by itself; None where it does not."""
        try:
            return process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.run.troubles.append(f"a command did not end in {PATIENCE:.0f} s: {self._last_words()}")
            return None

    def _whole_lines(self) -> bytes:
        found = self.journal.read_bytes() if self.journal.exists() else b""
        return found[:found.rfind(b"\n") + 1]

    def _check(self, session: int, before: bytes) -> None:
        """What holds whenever a command has ended or been killed."""
        if not self._whole_lines().startswith(before):
            self.run.troubles.append("the journal does not say any more what it said before a kill")
        end = time.monotonic() + GONE_SECONDS
        while (left := processes(session)) and time.monotonic() < end:
            time.sleep(0.02)
        if left:
            self.run.troubles.append(f"{len(left)} processes are left over: {', '.join(map(said, left))}")
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def _check_end(self) -> None:
        """What holds once the run is finished."""
        if self.run.troubles:
            return
        for name in ("report.html", "results.json", "trials.csv", "model/model.safetensors", "model/README.md"):
            if not (self.output / name).exists():
                self.run.troubles.append(f"{name} is missing")
        left = {path.name for path in self.output.iterdir()} & {"checkpoints", "cache"}
        if left:
            self.run.troubles.append(f"{' and '.join(sorted(left))} are left over")
        events = events_of(self.journal)
        failed = [event["failure"] for event in events if event["event"] == "result" and event["failure"]]
        self.run.troubles += [f"a trial failed: {reason}" for reason in failed]
        self.run.decisions = exported(self.output)

    def _last_words(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-1500:]


def exported(output: Path) -> str:
    """The decisions of a run."""
    done = subprocess.run(luthier("export", output, "--format", "decisions"), capture_output=True, text=True, check=True)
    return done.stdout


@dataclass(frozen=True)
class Calm:
    """A run of one worker that nobody disturbs: what it is of, its decisions, and the seconds until its first stage began."""

    data: Path
    model: Path
    decisions: str
    startup: float

    def words(self, output: Path, workers: int = 1) -> list[str]:
        """The command, with another folder and so many workers."""
        return tune_words(self.data, self.model, output, workers)


def undisturbed(folder: Path) -> Calm:
    """Make the data and the model, and run the command once."""
    data, model, output = folder / "rows.csv", folder / "base", folder / "undisturbed"
    make_data(data)
    make_model(model, data)
    began = time.monotonic()
    process = subprocess.Popen(tune_words(data, model, output, 1), stdout=subprocess.DEVNULL)
    while process.poll() is None and not any(event["event"] == "stage" for event in events_of(output / "journal.jsonl")):
        time.sleep(0.02)
    startup = time.monotonic() - began
    if process.wait():
        raise RuntimeError("the run that nobody disturbs has failed")
    return Calm(data, model, exported(output), startup)


def differences(ours: str, theirs: str) -> Iterator[str]:
    """The first lines in which two lists of decisions differ."""
    for number, (own, other) in enumerate(zip(ours.splitlines(), theirs.splitlines(), strict=False), start=1):
        if own != other:
            yield f"decision {number}: {own[:300]} instead of {other[:300]}"
            return
    if ours != theirs:
        yield f"{len(ours.splitlines())} decisions instead of {len(theirs.splitlines())}"


def killed_runs(calm: Calm, folder: Path, kills: int, each: int = MOST_KILLS, workers: Sequence[int] = (1,),
                seed: int = 0) -> Iterator[tuple[int, Run]]:
    """Carry out runs, of at most so many kills each, until all kills have been made; the workers of each, and what became of it."""
    made = number = 0
    while made < kills:
        force, output = workers[number % len(workers)], folder / f"run-{number}"
        share = min(each, kills - made)
        run = Killer(calm.words(output, force), output, random.Random(f"{seed} {number}"), share, calm.startup).until_it_ends()
        if force == 1 and not run.troubles:
            run.troubles += differences(run.decisions, calm.decisions)
        made, number = made + len(run.kills), number + 1
        yield force, run
        if not run.kills:
            return


def main() -> None:
    """Kill, say what became of each run, and print a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="every third run has two workers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to keep the runs")
    asked = parser.parse_args()
    began, total, troubles, kept = time.monotonic(), Counter[str](), list[str](), tempfile.TemporaryDirectory()
    folder = asked.folder or Path(kept.name)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{'run':>4} {'workers':>8} {'kills':>6} {'coordinator':>12} {'commands':>9} {'seconds':>8}  result")
    calm = undisturbed(folder)
    for number, (workers, run) in enumerate(killed_runs(calm, folder, asked.kills, workers=(1, 1, 2), seed=asked.seed)):
        total.update(kill.victim for kill in run.kills)
        total.update(f"{kill.moment} moment" for kill in run.kills)
        total.update(f"after {kill.after}" for kill in run.kills)
        total.update(runs=1, commands=run.commands)
        troubles += [f"run {number}: {trouble}" for trouble in run.troubles]
        of_it = sum(kill.victim == "coordinator" for kill in run.kills)
        print(f"{number:>4} {workers:>8} {len(run.kills):>6} {of_it:>12} {run.commands:>9} {time.monotonic() - began:>8.0f}  "
              f"{'; '.join(run.troubles) or 'as if undisturbed'}", flush=True)
    kept.cleanup()
    print(json.dumps({"kills": total["worker"] + total["coordinator"], "runs": total["runs"], "troubles": troubles,
                      "counts": dict(sorted(total.items())), "seconds": round(time.monotonic() - began)}))
    sys.exit(bool(troubles))


if __name__ == "__main__":
    main()
