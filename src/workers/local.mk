# src/workers: sources of libteegate
