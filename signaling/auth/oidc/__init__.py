"""Sign-in by a provincial identity service (OpenID Connect), as an extra: `pip install huijian[oidc]`. Read `provider`
(what is asked of the service, and the check of its answer); the addresses are in `signaling/api/accounts/oidc.py`."""
