# src/rules: sources of libteegate
