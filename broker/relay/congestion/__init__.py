"""Congestion control: `estimator` says what a line carries, `sent_packets` measures it by a subscriber's feedback,
`publisher_rate` limits publishers, `subscriber_adaptation` fits what a subscriber gets to its line, and
`receiving_proof` decides from the same reports whether a subscriber really receives."""
