"""Raw HTTP for tests: requests as bytes, malformed ones above all, and their answers as they come."""
