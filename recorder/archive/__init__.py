"""The archive on disk and its catalog in the database: from a work folder to a finished recording.

Begin with `paths` (where a recording lies) and `finalize` (what makes it finished); `parts`, `part_times` and
`manifest` are its steps. `catalog` and `tables` use the database. Pure: `disk_space`, `manifest_check`, `part_times`,
`timeline_coverage`. The other modules read and write files and block."""
