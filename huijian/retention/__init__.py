"""`huijian purge` and `huijian hold`: what is due, what two officers let go, what is held back."""
