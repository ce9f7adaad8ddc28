"""The terminal as its server knows it from afar: `reports` sends what it is and how it does, `orders` carries out what
it is ordered (a test of its equipment, a restart). Begin with `orders`."""
