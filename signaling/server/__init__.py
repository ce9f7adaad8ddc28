"""The HTTP server: the application, the table of routes, errors as problem documents, pages, and what handlers
share."""
