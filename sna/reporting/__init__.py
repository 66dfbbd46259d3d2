"""One borough: check parameters, run notebooks, render, write the run record."""
