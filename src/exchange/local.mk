# src/exchange: sources of libteegate
