# unit tests of attest-verify
