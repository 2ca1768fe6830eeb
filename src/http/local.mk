# src/http: HTTP/2 and HTTP/1.1, both roles; nghttp2 appears only here
src_libteegate_a_SOURCES += src/http/head.h src/http/http.h src/http/stream.h
