"""The commands by which proof leaves the machine: `export` hands recordings over, by two officers; `witness` has sites
counter-sign each other's chains, and prints the heads for the ledger."""
