"""Commands that work on a server elsewhere: by its API, with the account that has signed in there.

`server` says which server is meant and runs a command here or there, `here_alone` refuses a server, `requests` speaks
HTTP, `trust` knows by whose certificates a server is believed, `verification` has a recording verified, `stored` keeps
sign-ins in a file of the user's own, `login` has the commands that make and end one."""
