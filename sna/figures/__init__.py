"""Chart, titles, sentence, data table and source, as one accessible piece of HTML."""
