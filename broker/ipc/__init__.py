"""How the processes of one machine talk: commands down, facts up, one JSON object a line over a unix socket."""
