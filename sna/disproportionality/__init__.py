"""Who is affected, compared with whom, and what is not known."""
