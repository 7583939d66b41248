"""From which sources this firmware was compiled; `iastm deploy` puts another file in the place of this one."""

# The first 8 bytes of their SHA-256 as hex digits, None where nobody stated them.
SOURCE_HASH: "str | None" = None
