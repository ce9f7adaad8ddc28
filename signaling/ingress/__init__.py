"""The ingress process: the only one that listens on the HTTP port. It reads the first request of every connection under
budgets, hands connections of known senders over to the control process, and answers all others itself, so that nothing
a stranger does runs on the event loop that renews leases. Pure: `fairness` (turns by address), `request_head` (what is
asked), `admission` (budgets). Around them: `listener`, `head_reader`, `dispatch` (where a request goes),
`known_tokens`, `handover` and `control_link` (the way to control), `anonymous_app` and `anonymous_server` (answers to
strangers), `incoming`, `counters`. Begin with `dispatch`; `__main__` puts the parts together."""
