"""What a maker or a therapist checks a tool with, apart from sessions; no Qt."""
