"""One folder per room, journeys for whole stories, support for what they share."""
