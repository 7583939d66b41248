"""One connected tool, sans-IO: bytes and times in, events and bytes to send out."""
