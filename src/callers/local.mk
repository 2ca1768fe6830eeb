# src/callers: sources of libteegate
src_libteegate_a_SOURCES += \
    src/callers/reply.c src/callers/reply.h \
    src/callers/session.c src/callers/session.h
