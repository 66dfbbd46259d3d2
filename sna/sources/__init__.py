"""One module a published layout: recognises a file, reads it, returns table and rejects."""
