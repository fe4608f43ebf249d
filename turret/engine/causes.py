"""What failed tasks fail of, how programs say it, and what helps.

Sources of the words: the kernel and bash, slurmstepd, LSF's TERM_ reasons, SGE's and
PBS's job mail, Docker, Singularity, Apptainer, the AWS programs, Nextflow's messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """`code` for programs; `words`, a sentence, and `hint`, what to do, for people."""

    code: str
    words: str
    hint: str


GPU_MEMORY = re.compile(
    r"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation"
    r"|torch\.(?:cuda\.)?OutOfMemoryError|HIP out of memory|CUBLAS_STATUS_ALLOC_FAILED"
)
MEMORY = re.compile(
    r"oom[-_]kill|Out of memory:|OutOfMemoryError|\bMemoryError\b|std::bad_alloc"
    r"|(?:Cannot|cannot|can't|failed to) allocate (?:\w+ )?memory"
    r"|[Ee]xceeded (?:\w+ )?memory limit|TERM_MEMLIMIT|job killed: v?mem"
    r"|line \d{1,7}: +\d{1,9} Killed\b|cannot allocate vector of size"
)
TIME = re.compile(
    r"DUE TO TIME LIMIT|TERM_RUNLIMIT|TERM_CPULIMIT|job killed: (?:walltime|cput)"
    r"|exceed(?:s|ed) (?:hard|soft) (?:wallclock|runtime)"
    r"|Process exceeded running time limit"
)
DISK_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|\bENOSPC\b|\bEDQUOT\b"
)
CONTAINER = re.compile(
    r"Failed to pull (?:singularity|apptainer|charliecloud)? ?image|pull access denied"
    r"|manifest (?:unknown|for \S+ not found)|toomanyrequests"
    r"|ErrImagePull|ImagePullBackOff|Error response from daemon"
    r"|FATAL: +(?:Unable to|While|could not) (?:pull|open|build|mak|handl)"
)
S3 = re.compile(
    r"AmazonS3Exception|\bS3Exception\b|\bS3Error\b|botocore\.exceptions\."
    r"|An error occurred \(\w+\) when calling the \w+ operation"
    r"|Unable to locate credentials|\bNoSuchBucket\b|\bNoSuchKey\b"
    r"|(?:download|upload|copy) failed: s3://"
)
PYTHON = re.compile(r"Traceback \(most recent call last\)")

_MORE_MEMORY = "Ask for more memory for this process, best with a retry: `memory`."
_MORE_TIME = "Ask for more time for this process: `time`."
_TERMINATED = "By the scheduler, for its time or a more important job, or by a person."
_OUT_OF_MEMORY = Cause("out_of_memory", "It ran out of memory.", _MORE_MEMORY)
_KILLED = Cause(
    "out_of_memory",
    "It was killed, most likely because it used more memory than it had asked for.",
    _MORE_MEMORY,
)
_TIME_LIMIT = Cause("time_limit", "It ran longer than it had asked for.", _MORE_TIME)
_CONTAINER = Cause(
    "container",
    "Its container could not be started, or its image not be had.",
    "Check the image's name, and that the node reaches the registry.",
)

# What a program says itself, and nothing else means: the first that fits.
SAID = (
    (
        GPU_MEMORY,
        Cause(
            "out_of_gpu_memory",
            "It ran out of the GPU's memory.",
            "Use smaller batches, or a GPU with more memory.",
        ),
    ),
    (TIME, _TIME_LIMIT),
    (MEMORY, _OUT_OF_MEMORY),
    (
        DISK_FULL,
        Cause(
            "disk_full",
            "The disk is full, or the quota used up.",
            "Make room in the work directory or on the node's scratch disk.",
        ),
    ),
)

# Exit codes that say enough. 137: SIGKILL. 140, 138: how LSF and SGE say that a limit
# is reached (SIGUSR2, SIGUSR1); 152: SIGXCPU. 265 and 271: PBS adds 256 to a signal,
# its negative ones are its own limits.
EXITS = {
    126: Cause(
        "not_executable",
        "A command could not be executed.",
        "Its file lacks the permission, or is for another kind of machine.",
    ),
    127: Cause(
        "missing_command",
        "A command was not found.",
        "Is it in the process's container, module or conda environment?",
    ),
    125: _CONTAINER,
    137: _KILLED,
    265: _KILLED,
    -9: _KILLED,
    -26: _OUT_OF_MEMORY,
    -27: _OUT_OF_MEMORY,
    140: Cause(
        "out_of_memory",
        "The scheduler ended it: out of memory, or out of time.",
        "Ask for more memory or time for this process: `memory`, `time`.",
    ),
    138: _TIME_LIMIT,
    152: _TIME_LIMIT,
    -28: _TIME_LIMIT,
    -29: _TIME_LIMIT,
    271: Cause("signal", "It was killed by SIGTERM.", _TERMINATED),
}

# What a program says, too, but may say and go on: after the exit codes.
MENTIONED = (
    (CONTAINER, _CONTAINER),
    (
        S3,
        Cause(
            "s3_error",
            "Files could not be had from S3, or not be written to it.",
            "Check the credentials, the bucket's name, and that the file is there.",
        ),
    ),
    (
        re.compile(r"Missing output file\(s\)|Missing value declared as output"),
        Cause(
            "missing_output",
            "Its script ended well, but did not write all the files it promises.",
            "Look at the script and its log; if a file may be missing, the output"
            " must say `optional: true`.",
        ),
    ),
    (
        re.compile(r"[Pp]rocess requirement exceeds? available (?:CPUs|memory)"),
        Cause(
            "too_much_asked",
            "It asks for more than any node has.",
            "Lower `cpus` or `memory` of this process, or set `resourceLimits`.",
        ),
    ),
    (
        re.compile(r"[Ff]ailed to submit process|terminated for an unknown reason"),
        Cause(
            "scheduler",
            "The scheduler did not take it, or lost it.",
            "Ask the scheduler why; often a retry helps.",
        ),
    ),
)

# Signals by number (Linux), and what they tell.
SIGNALS = {
    1: ("SIGHUP", "Its session ended."),
    2: ("SIGINT", "Somebody pressed Ctrl-C, or Nextflow ended it with the run."),
    4: ("SIGILL", "The program was built for another kind of processor."),
    6: ("SIGABRT", "The program gave up by itself: its last words say why."),
    7: ("SIGBUS", "Often a full disk under a file in memory, or a failing disk."),
    8: ("SIGFPE", "The program calculated something impossible: a bug, or odd data."),
    11: ("SIGSEGV", "The program crashed: a bug, odd data, or too little memory."),
    13: ("SIGPIPE", "What it wrote to had ended: look at the rest of the pipe."),
    15: ("SIGTERM", _TERMINATED),
}
