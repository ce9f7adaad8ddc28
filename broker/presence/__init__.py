"""Who counts as watching (Yunnan 25, 26(3); Guangdong 27), pure: `quorum` counts, `presence` decides who is present and
why not, `attention_check` asks officers whether they still watch."""
