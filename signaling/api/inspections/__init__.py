"""Inspections by the procuratorate (派驻检察): `routes` has the addresses, `check` what opens a visit to one."""
