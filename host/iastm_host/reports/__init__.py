"""Pages for people: a report is blocks of words, tables and drawings, which become HTML, PDF or SVG."""
