from __future__ import annotations

from pathlib import Path

import pytest

from turret.engine.failures import cause_of, classify_task_failure
from turret.words import ErrorAction

TRACEBACK = """Traceback (most recent call last):
  File "/usr/bin/count.py", line 3, in <module>
    main()
KeyError: 'sample'
"""
S3 = "An error occurred (403) when calling the HeadObject operation: Forbidden"
SLURM_OOM = "slurmstepd: error: Detected 1 oom_kill event in StepId=4711.batch."
SLURM_TIME = "slurmstepd: error: *** JOB 4711 CANCELLED AT 2026-11-22 DUE TO TIME LIMIT"
FULL = "samtools sort: fail to flush: No space left on device"
CUDA = "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"


@pytest.mark.parametrize(
    ("exit_status", "tail", "code"),
    [
        (137, "", "out_of_memory"),
        (140, "", "out_of_memory"),
        (265, "", "out_of_memory"),
        (-27, "", "out_of_memory"),
        (1, SLURM_OOM, "out_of_memory"),
        (1, "terminate called ... what(): std::bad_alloc", "out_of_memory"),
        (1, 'Exception in thread "main" java.lang.OutOfMemoryError', "out_of_memory"),
        (1, "Error: cannot allocate vector of size 2.1 Gb", "out_of_memory"),
        (1, ".command.sh: line 3:    91 Killed   bwa mem", "out_of_memory"),
        (1, TRACEBACK + "MemoryError", "out_of_memory"),
        (1, "TERM_MEMLIMIT: job killed after reaching LSF memory", "out_of_memory"),
        (1, "=>> PBS: job killed: mem 9kb exceeded limit 8kb", "out_of_memory"),
        (1, CUDA, "out_of_gpu_memory"),
        (143, SLURM_TIME, "time_limit"),
        (140, "TERM_RUNLIMIT: job killed after reaching LSF run time", "time_limit"),
        (271, "=>> PBS: job killed: walltime 61 exceeded limit 60", "time_limit"),
        (None, "Process exceeded running time limit (1m)", "time_limit"),
        (-29, "", "time_limit"),
        (1, FULL, "disk_full"),
        (1, "cp: error writing 'x': Disk quota exceeded", "disk_full"),
        (127, ".command.sh: line 2: bwa: command not found", "missing_command"),
        (126, ".command.sh: line 2: ./x: Permission denied", "not_executable"),
        (125, "", "container"),
        (255, "FATAL:   Unable to pull docker://x: denied", "container"),
        (1, "docker: Error response from daemon: manifest unknown.", "container"),
        (1, "Failed to pull singularity image", "container"),
        (1, S3, "s3_error"),
        (1, TRACEBACK, "python_error"),
        (1, "nothing that is known", "exit"),
        (0, "Missing output file(s) `x.bam` expected", "missing_output"),
        (None, "Process requirement exceeds available memory", "too_much_asked"),
        (None, "terminated for an unknown reason", "scheduler"),
        (139, "", "signal"),
        (143, "", "signal"),
        (271, "", "signal"),
        (0, "", "refused"),
        (None, "", "unknown"),
        # Who is killed for memory leaves the traces of something else.
        (137, TRACEBACK, "out_of_memory"),
        (137, S3, "out_of_memory"),
        (130, TRACEBACK + "KeyboardInterrupt", "signal"),
    ],
)
def test_causes_are_told_apart(exit_status: int | None, tail: str, code: str) -> None:
    assert cause_of(exit_status, None, tail).code == code


@pytest.mark.parametrize(
    ("exit_status", "tail", "words"),
    [
        (
            127,
            ".command.sh: line 2: bwa-mem2: command not found\n",
            "The command bwa-mem2 was not found.",
        ),
        (127, "/bin/sh: 1: bwa: not found", "The command bwa was not found."),
        (127, "", "A command was not found."),
        (1, TRACEBACK, "Python raised KeyError: 'sample'"),
        (1, "Traceback (most recent call last):", "Python raised an exception."),
        (139, "", "It was killed by SIGSEGV."),
        (128 + 40, "", "It was killed by signal 40."),
        (3, "", "Its script ended with exit code 3."),
    ],
)
def test_they_are_told_in_plain_words(exit_status: int, tail: str, words: str) -> None:
    assert cause_of(exit_status, None, tail).words == words


@pytest.mark.parametrize("action", [*ErrorAction, "RETRY"])
def test_what_nextflow_did_is_told(action: str) -> None:
    hint = cause_of(137, action, "").hint
    assert hint.startswith("Ask for more memory")
    assert "Nextflow" in hint


@pytest.mark.parametrize("action", [None, "", "shrug"])
def test_an_unknown_action_is_not_told(action: str | None) -> None:
    assert "Nextflow" not in cause_of(137, action, "").hint


def test_only_the_last_words_count() -> None:
    tail = f"{FULL}\n" + "all is well again\n" * 2_000
    assert cause_of(3, None, tail).code == "exit"


@pytest.mark.parametrize(
    ("exit_code", "state", "tail", "word"),
    [
        (143, "", "", "sigterm"),
        (None, "CANCELLED by 1000", "", "sigterm"),
        ("0", "TIMEOUT", "", "sigterm"),
        (1, "FAILED", CUDA, "oom_gpu"),
        (137, "", "", "oom_host"),
        (1, "OUT_OF_MEMORY", "", "oom_host"),
        (1, "", SLURM_OOM, "oom_host"),
        (1, "", FULL, "disk_full"),
        (1, "", S3, "s3_error"),
        (1, "", TRACEBACK, "python_error"),
        ("5", "FAILED", "", "exit_5"),
        (0, "COMPLETED", "", "unknown"),
        (None, "", "", "unknown"),
        ("odd", "", "", "unknown"),
    ],
)
def test_the_old_words_are_kept(
    exit_code: int | str | None, state: str, tail: str, word: str, tmp_path: Path
) -> None:
    (tmp_path / ".command.err").write_text(tail)
    assert classify_task_failure(tmp_path, exit_code, state) == word


def test_a_work_directory_that_is_gone_leaves_the_exit_code(tmp_path: Path) -> None:
    assert classify_task_failure(str(tmp_path / "gone"), 7) == "exit_7"
    assert classify_task_failure("\0", 7) == "exit_7"
