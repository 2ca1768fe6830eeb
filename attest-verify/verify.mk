# sources of the verifying library and its program
