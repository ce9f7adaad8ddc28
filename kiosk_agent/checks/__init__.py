"""What the terminal finds out about its own equipment, picture and sound."""
