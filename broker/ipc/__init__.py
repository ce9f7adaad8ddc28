"""The messages between the processes of one machine: commands down, facts up, one JSON object a line.

Begin with `messages`, which says what a command and a fact are; `relay_messages` and `recorder_messages` list them.
`client` is the end of the control process, `server` that of a relay worker and of the recorder; `framing` makes the
lines."""
