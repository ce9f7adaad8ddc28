"""The processes of those who use the service while it is attacked. `room.py` is a kiosk, whose socket notes by the
kernel's clock when packets come and go (`stamps.py`); `officers.py` are the four who watch; `arrivals.py` are those who
come during the flood: an officer who signs in, a kiosk that joins, a page behind a firewall without UDP."""
