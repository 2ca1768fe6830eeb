# What a distribution carries besides the sources.
EXTRA_DIST += .ci/run deploy/packages.sh deploy/quickstart.sh deploy/test.sh \
    deploy/demo/agents.test.mjs deploy/demo/call.mjs deploy/demo/cid.mjs deploy/demo/drain.test.mjs \
    deploy/demo/attest.mjs deploy/demo/attest.test.mjs \
    deploy/demo/harness.mjs deploy/demo/reply.mjs deploy/demo/shelf.mjs deploy/demo/state.mjs \
    deploy/demo/subcall.mjs deploy/demo/worker.mjs deploy/demo/worker.test.mjs \
    deploy/demo/agents/counter.mjs deploy/demo/agents/echo.mjs deploy/demo/agents/planner.mjs \
    deploy/demo/agents/tokens.mjs deploy/demo/agents/upload.mjs
