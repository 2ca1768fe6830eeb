# src/base: sources of libteegate
