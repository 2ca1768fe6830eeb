# src/http: sources of libteegate
