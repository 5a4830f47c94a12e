"""Attribution rules, one a file; a file's name is the rule's name."""
