"""The ledger (台账) of a site: one row for each visit of a day or a month, as a workbook, as pages to print, and as
JSON, each signed (Yunnan 26(6), Guangdong 27 and 30). Its public version has no names. Begin with `entry.py` (what a
row says) and `source.py` (where it is read); `columns.py` has the columns, `build.py` makes the files in the process
that `builder.py` starts, `seal.py` signs and checks them."""
