"""View copies: both pictures side by side, made from an archived recording for browsers, in the background."""
