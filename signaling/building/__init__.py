"""Files that are made for a request by a process of low priority: `workshop` gives them a turn, room and a private
folder, `child_program` runs the process."""
