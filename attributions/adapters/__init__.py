"""Attribution methods of other libraries: one library a file."""
