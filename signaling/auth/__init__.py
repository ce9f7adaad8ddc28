"""Who is asking and what they may know: credentials, scope by role and site, rate limits, the end of sign-ins."""
