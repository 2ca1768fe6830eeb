# src/callers: sources of libteegate
