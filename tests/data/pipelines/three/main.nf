// One sample after another goes through three processes; their counts are one table.
process MAKE {
    tag "$sample"
    label 'small'

    input:
    val sample

    output:
    tuple val(sample), path("${sample}.txt")

    script:
    """
    seq -f '${sample} %g' ${params.lines} > '${sample}.txt'
    """
}

process COUNT {
    tag "$sample"
    label 'small'

    input:
    tuple val(sample), path(text)

    output:
    path "${sample}.count"

    script:
    """
    printf '%s\\t%s\\n' '${sample}' "\$(wc -l < '${text}')" > '${sample}.count'
    """
}

process MERGE {
    publishDir params.outdir, mode: 'copy'

    input:
    path counts

    output:
    path 'counts.tsv'

    script:
    """
    cat ${counts} | LC_ALL=C sort > counts.tsv
    """
}

workflow {
    samples = params.input
        ? channel.fromPath(params.input, checkIfExists: true)
            .splitCsv(header: true)
            .map { row -> row.sample }
        : channel.of(*params.samples.tokenize(','))
    MAKE(samples) | COUNT
    MERGE(COUNT.out.collect())
}
