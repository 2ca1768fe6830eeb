# src/base: libc only
src_libteegate_a_SOURCES += \
    src/tables/faults.def src/tables/stats.def \
    src/base/alloc.c src/base/alloc.h \
    src/base/arena.c src/base/arena.h \
    src/base/base64url.c src/base/base64url.h \
    src/base/buf.c src/base/buf.h \
    src/base/clock.c src/base/clock.h \
    src/base/fault.c src/base/fault.h \
    src/base/json.c src/base/json.h \
    src/base/list.h \
    src/base/log.c src/base/log.h \
    src/base/map.c src/base/map.h \
    src/base/must.c src/base/must.h \
    src/base/slots.c src/base/slots.h \
    src/base/span.c src/base/span.h \
    src/base/stats.c src/base/stats.h
