"""What the database itself says, written as Markdown from its numbers: the data card, the physics review."""
