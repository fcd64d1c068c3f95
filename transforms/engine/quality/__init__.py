"""Rules that tell prose from what is left of web pages, over whole columns of text."""
