"""Parts of a session, one module each: what it knows of one subject, the table of facts that change it (`FACTS` for
what was seen, `ORDERS` for what people ask) and its JSON. A change takes its part, the fact and a `Moment`, and returns
the part as it is afterwards. It refuses only what the part itself contradicts; what the law or another part forbids is
refused before (`broker.session.refusals`). Pure, and below `broker.session.state`, which joins the parts. Begin with
`check_in`."""
