# src/ctl: sources of libteegate
