"""The archive on disk and in the catalog: names, parts, the way from a work folder to a finished recording, and
recovery."""
