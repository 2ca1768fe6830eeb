# sources of the simulated TEE
