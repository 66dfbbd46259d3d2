"""Raw to processed: read, classify, count, write."""
