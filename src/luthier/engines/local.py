"""Worker processes on this machine, each with its share of the cores."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from luthier.engines.execute import Setup, run_stage
from luthier.engines.memory import keep_memory
from luthier.environment import environment
from luthier.errors import RunError
from luthier.recipes.trial import EngineEvent, Finished, Lost, Progress, Stage, StageResult

MOST_WORKERS = 4
MOST_FAILED_STARTS = 3
HUNG_SECONDS = 120.0
"""A worker that has said nothing and used no processor for so long does nothing any more."""
SILENT_SECONDS = 1800.0
"""The same where the system does not tell what a process uses."""
READY = "ready"
MAIN_GUARD = ("Workers read the script that calls luthier: keep it in a file, and call luthier in it under: "
              "if __name__ == '__main__':")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What some libraries cap their threads by; they read it when they are loaded."""
_ONE_THREAD = {**dict.fromkeys(_THREAD_VARIABLES, "1"), "ARROW_DEFAULT_MEMORY_POOL": "system",
               "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""With these, what is loaded starts no threads of its own."""


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Workforce:
    """How many workers, and how many threads each may use."""

    workers: int
    threads: int


def plan_workers(asked: int | None, trials: int | None, device: str) -> Workforce:
    """Share the cores out. Several workers of few threads beat one of many on a CPU; a GPU gets one worker.

    Never more workers than trials, so that a single trial has all cores.
    """
    workers = asked or (min(cores(), MOST_WORKERS) if device == "cpu" else 1)
    workers = max(1, min(workers, trials or workers))
    return Workforce(workers, max(1, cores() // workers))


def load_for_workers() -> None:
    """Begin to load what workers need, in a process of its own that they will be forked from, while this one goes on.

    Where processes cannot be forked safely, or that one cannot be started, each worker loads it by itself.
    """
    _context()


def wait_for_loading() -> None:
    """Wait until what workers need has been loaded, so that it does not slow what is measured next.

    Raises:
        RunError: workers cannot start, for they would run the calling script anew.
    """
    context = _context()
    if isinstance(context, ForkServerContext):
        process = context.Process(target=_do_nothing, daemon=True)
        process.start()
        process.join()
        if process.exitcode:
            raise RunError(f"The worker processes cannot start (status {process.exitcode}). {MAIN_GUARD}")


def _do_nothing() -> None:
    """What a process does that only shows that processes can be forked by now."""


@lru_cache(maxsize=1)
def _context() -> ForkServerContext | SpawnContext:
    """How workers are started."""
    if sys.platform == "linux":
        from multiprocessing.forkserver import ensure_running

        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["luthier.engines.warm"])
        with contextlib.suppress(OSError), environment(_ONE_THREAD):  # a thread would not be forked
            ensure_running()  # an OSError: sockets cannot be made where temporary files go
            return context
    return multiprocessing.get_context("spawn")


@dataclass
class _Worker:
    """A process; `active` is when it was last seen to do something, having used so many `processor` seconds by then."""

    process: BaseProcess
    pipe: Connection
    stage: Stage | None = None
    ready: bool = False
    active: float = field(default_factory=time.monotonic)
    processor: float = 0.0


class LocalEngine:
    """Runs stages in worker processes. A worker that dies or hangs is replaced, and its stage reported as lost.

    Args:
        hung_seconds: after so long without a word or use of the processor a worker at work is ended.
    """

    def __init__(self, setup: Setup, force: Workforce, hung_seconds: float = HUNG_SECONDS) -> None:
        self._setup, self._force, self._hung_seconds = setup, force, hung_seconds
        self._failed_starts = 0
        self._workers = [self._spawn() for _ in range(force.workers)]

    @property
    def slots(self) -> int:
        """How many stages can run at once."""
        return self._force.workers

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def submit(self, stage: Stage) -> None:
        """Give a stage to an idle worker."""
        worker = next(worker for worker in self._workers if worker.stage is None)
        worker.stage, worker.active = stage, time.monotonic()
        worker.processor = processor_seconds(worker.process.pid) or 0.0
        with contextlib.suppress(OSError):  # a dead worker is found by events()
            worker.pipe.send(stage)

    def cancel(self, stage: Stage) -> None:
        """Ask the worker of a stage to end it at the next step."""
        for worker in self._workers:
            if worker.stage is not None and worker.stage.trial.number == stage.trial.number:
                with contextlib.suppress(OSError):
                    worker.pipe.send("cancel")

    def events(self, timeout: float) -> Iterator[EngineEvent]:
        """What the workers have sent since the last call."""
        ready = wait([worker.pipe for worker in self._workers], timeout)
        for index, worker in enumerate(self._workers):
            if worker.pipe in ready:
                worker.active = time.monotonic()
                try:
                    while worker.pipe.poll():
                        yield from self._received(worker, worker.pipe.recv())
                except (EOFError, OSError):
                    yield from self._replace(index)
            elif worker.stage is not None and self._hangs(worker):
                worker.process.kill()
                yield from self._replace(index, f"its worker process did nothing for {self._hung_seconds:.0f} seconds")

    def _received(self, worker: _Worker, message: Progress | StageResult | str) -> Iterator[EngineEvent]:
        if message == READY:
            worker.ready, self._failed_starts = True, 0
        elif isinstance(message, Progress):
            yield message
        elif isinstance(message, StageResult):
            worker.stage = None
            yield Finished(message)

    def _hangs(self, worker: _Worker) -> bool:
        """Whether a silent worker has long used no processor either: computing, reading and waiting for a GPU all use some."""
        silent = time.monotonic() - worker.active
        if silent < self._hung_seconds:
            return False
        used = processor_seconds(worker.process.pid)
        if used is None:
            return silent > max(self._hung_seconds, SILENT_SECONDS)
        if used > worker.processor:
            worker.active, worker.processor = time.monotonic(), used
            return False
        return True

    def _replace(self, index: int, reason: str = "") -> Iterator[EngineEvent]:
        """Put another worker in the place of one that is gone.

        Raises:
            RunError: workers cannot start here.
        """
        worker = self._workers[index]
        worker.process.join(timeout=5)
        worker.pipe.close()
        code = worker.process.exitcode
        if not worker.ready:
            self._failed_starts += 1
            if code is None or code >= 0 or self._failed_starts > MOST_FAILED_STARTS:
                raise RunError(f"The worker processes cannot start (status {code}). {MAIN_GUARD}")
        self._workers[index] = self._spawn()
        if worker.stage is not None:
            ended = f"by signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"with status {code}"
            hint = " (the system may have run out of memory)" if code == -9 else ""
            yield Lost(worker.stage.trial.number, reason or f"its worker process was ended {ended}{hint}")

    def close(self) -> None:
        """End all workers at once: those at work are not waited for, and an idle one has nothing to finish."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()

    def _spawn(self) -> _Worker:
        context = _context()
        ours, theirs = context.Pipe()
        variables = dict(os.environ) | dict.fromkeys(_THREAD_VARIABLES, str(self._force.threads))
        process = context.Process(target=_work, args=(theirs, self._setup, self._force.threads, variables), daemon=True)
        with environment(variables):
            process.start()
        theirs.close()
        return _Worker(process, ours)


def processor_seconds(process: int | None) -> float | None:
    """Seconds of the processor that a process has used so far; None where the system does not tell (it does on Linux)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _end_with_coordinator() -> None:
    """End this worker as soon as its coordinator has gone: the command that goes on with the run must find nobody at work."""
    coordinator = multiprocessing.parent_process()
    if coordinator is not None:
        coordinator.join()
        os._exit(1)


def _work(pipe: Connection, setup: Setup, threads: int, variables: Mapping[str, str]) -> None:
    """A worker's life: run the stages that come through the pipe until it closes.

    Args:
        variables: the coordinator's environment; a process that was forked has that of long before.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: the coordinator decides what it means
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_coordinator, daemon=True).start()
    import torch
    from threadpoolctl import threadpool_limits

    os.environ.update(variables)
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    keep_memory()
    gc.freeze()  # what has been loaded so far stays; to look it through at every stage would take a third of a second
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(READY)
        while True:
            message = pipe.recv()
            if isinstance(message, Stage):  # else a stage was cancelled that had just ended
                for event in run_stage(message, setup, lambda: pipe.poll() and pipe.recv() == "cancel"):
                    pipe.send(event)
