"""What articles are made of, whichever province's: `bounds` of numbers, `grounds` of interventions, and the `notices`
that are shown in a regulation's own words. `config/law.py` puts them together for each province."""
