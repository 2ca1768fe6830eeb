# src/gateway: sources of libteegate
