"""Result table in, plain-English sentence out; the only place findings are worded."""
