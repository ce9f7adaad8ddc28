"""Export packages: a recording that is handed over, as one ZIP that proves itself without Huijian.

Begin with `contents`, which says what is in a package, then `build`, which makes one in a process of the lowest
priority (`python -m recorder.export`, whose input and output are those of `program`). `chain_part`, `event_words`,
`event_details`, `timeline_page` and `cover_sheet` make what people and verifiers read; `zip_file` writes.
`verifier_page` puts the page together that checks a package in a browser, `check` is the same check for
`huijian verify`. `queue` has the requests, which a second person decides. All but `queue` block."""
