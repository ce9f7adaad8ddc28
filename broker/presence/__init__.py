"""Presence of supervisors (Yunnan 25, 26(3); Guangdong 27), pure. Begin with `quorum`, which counts the officers who
are present for a side; `presence` decides from relay and page reports who is present, and why the others are not;
`attention_check` asks officers whether they still watch."""
