# src/http: HTTP/2 and HTTP/1.1, both roles; nghttp2 appears only here
src_libteegate_a_SOURCES += \
    src/http/field.c src/http/field.h \
    src/http/guard.h \
    src/http/h1.c src/http/h1.h \
    src/http/h1_body.c src/http/h1_body.h \
    src/http/h1_framing.c src/http/h1_framing.h \
    src/http/h1_parse.c src/http/h1_parse.h \
    src/http/h1_send.c \
    src/http/h1_write.c src/http/h1_write.h \
    src/http/h2.c src/http/h2.h \
    src/http/h2_calls.c \
    src/http/h2_guard.c src/http/h2_guard.h \
    src/http/h2_stream.c \
    src/http/head.c src/http/head.h \
    src/http/head_check.c src/http/head_check.h \
    src/http/http.c src/http/http.h \
    src/http/http_core.h \
    src/http/refusal.c src/http/refusal.h \
    src/http/stream.c src/http/stream.h
