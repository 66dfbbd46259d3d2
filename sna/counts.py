"""Complete counts by month, area and group."""
