"""The fleet over HTTP: which terminals there are and how each does (`view`), and the orders of officers to them
(`routes`): to test, to restart, to take a room over and to give it back, to readmit."""
