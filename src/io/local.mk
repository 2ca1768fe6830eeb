# src/io: sources of libteegate
