"""What belongs to the accounts of officers beside the password: `factors` (second factors and recovery codes),
`sessions` (where an officer is signed in) and `invitations`; their `tables`."""
