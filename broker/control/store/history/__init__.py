"""The history in the database: its tables (`tables.py`), how it is written (`index.py`), searched (`search.py`), and
what auditors add to it: marks (`marks.py`) and ratings of the re-listen duty (`ratings.py`). `inspections.py` keeps
why procurators looked at a visit."""
