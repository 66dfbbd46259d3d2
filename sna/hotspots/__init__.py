"""Where, how concentrated, how lasting, and how sure."""
