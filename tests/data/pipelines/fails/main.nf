// One of three samples gets exit 137, as from a kernel short of memory, at each attempt.
process WORK {
    tag "$sample"
    errorStrategy { task.attempt <= params.retries ? 'retry' : 'terminate' }
    maxRetries params.retries

    input:
    val sample

    script:
    """
    echo "working on ${sample}, attempt ${task.attempt}"
    if [ '${sample}' = '${params.bad}' ]; then
        echo 'out of memory' >&2
        exit 137
    fi
    """
}

workflow {
    channel.of(*params.samples.tokenize(',')) | WORK
}
