// Something is done at once; then there is time to cancel the rest.
process QUICK {
    tag "$sample"

    input:
    val sample

    output:
    val sample

    script:
    """
    echo 'hello ${sample}'
    """
}

process SLEEP {
    tag "$sample"

    input:
    val sample

    output:
    path 'slept.txt'

    script:
    """
    sleep ${params.seconds}
    echo '${sample} slept ${params.seconds} s' > slept.txt
    """
}

workflow {
    channel.of(*params.samples.tokenize(',')) | QUICK | SLEEP
}
